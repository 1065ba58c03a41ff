"""`aip health` as a shell sees it."""

from __future__ import annotations

import asyncio
import json
import re
import signal

import pytest
from aiprovider.v1 import health_service_pb2 as pb

from tests.contract.client.prepared import OUT, UNKNOWN, WELL, Server, found, listening
from tests.contract.client.shell import aip, started

WELL_IN_WORDS = (
    "openai: healthy, circuit closed, success 98.5 % of 200, p50 840 ms, p95 2.31 s, in flight 3/12"
)
TABLE = [
    "provider; status; circuit; success; p50; p95; first token; in flight; last error; cooldown",
    "openai; healthy; closed; 98.5 % of 200; 840 ms; 2.31 s; 210 ms; 3/12; -; -",
    "google; unhealthy; open; 12.5 % of 16; -; -; -; 0; PROVIDER_TIMEOUT 5.00 s ago; 12 s",
    "local; unknown; unspecified; -; -; -; -; 0; -; -",
]


async def test_the_table(server: Server) -> None:
    """The service's own health, then a line for each provider, on the service's own clock."""
    code, out, err = await aip(server.port, "health")

    assert 0 == code, err
    assert ["readiness: SERVING", "providers: HEALTHY"] == out.splitlines()[:2]
    assert TABLE == [re.sub(r"  +", "; ", line.strip()) for line in out.splitlines()[2:]]


async def test_json(server: Server) -> None:
    """--json prints a line for the service, and one that is the contract's message."""
    _, out, _ = await aip(server.port, "health", "--json", "--models", "--provider", "openai")

    first, second = map(json.loads, out.splitlines())
    assert {"service": "readiness", "status": "SERVING"} == first
    assert ["openai", "google", "local"] == [one["provider"] for one in second["providers"]]
    assert [pb.CheckProvidersRequest(providers=["openai"], include_models=True)] == (
        server.prepared.requests
    )


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (found(pb.PROVIDER_STATUS_DEGRADED, OUT), 0),
        (found(pb.PROVIDER_STATUS_UNKNOWN, UNKNOWN), 0),
        (found(pb.PROVIDER_STATUS_UNHEALTHY, OUT), 1),
        (found(pb.PROVIDER_STATUS_DISABLED, OUT), 1),
        (found(pb.PROVIDER_STATUS_UNSPECIFIED), 1),
    ],
)
async def test_the_exit_code(
    server: Server, response: pb.CheckProvidersResponse, expected: int
) -> None:
    """1 when no provider can serve, or there is none; what is not known to fail may serve."""
    server.prepared.response = response
    code, _, _ = await aip(server.port, "health")

    assert expected == code


async def test_not_serving(server: Server) -> None:
    """1 when the service is not serving, whether or not its providers are asked for."""
    await server.set_serving(serving=False)
    whole, told, _ = await aip(server.port, "health")
    named, _, _ = await aip(server.port, "health", "readiness")

    assert (1, 1) == (whole, named)
    assert told.startswith("readiness: NOT_SERVING\nproviders: HEALTHY\n")


async def test_a_named_service(server: Server) -> None:
    """A probe of one service asks for that only."""
    code, out, _ = await aip(server.port, "health", "readiness")

    assert (0, "readiness: SERVING\n") == (code, out)
    assert [] == server.prepared.requests


async def test_the_table_of_a_service_that_does_not_tell(mute: Server) -> None:
    """Without HealthService the standard health decides alone, and a note says so."""
    code, out, err = await aip(mute.port, "health")

    assert (0, "readiness: SERVING\n") == (code, out)
    assert "the service does not tell how its providers do\n" == err


async def lines_until_interrupted(child: asyncio.subprocess.Process, count: int) -> set[str]:
    assert child.stdout is not None
    told = {(await asyncio.wait_for(child.stdout.readline(), 10)).decode() for _ in range(count)}
    child.send_signal(signal.SIGINT)
    await child.communicate()
    return told


async def test_watch(server: Server) -> None:
    """--watch tells the service's health and the providers' as they change, until interrupted."""
    for change in (WELL, UNKNOWN):
        server.prepared.changes.put_nowait(change)
    child = await started(server.port, "health", "--watch")
    told = await lines_until_interrupted(child, 3)

    assert {
        "readiness: SERVING\n",
        f"{WELL_IN_WORDS}\n",
        "local: unknown, circuit unspecified, in flight 0\n",
    } == told
    assert 130 == child.returncode


async def test_watch_a_service_that_does_not_tell(mute: Server) -> None:
    """Without HealthService the standard health is watched alone."""
    child = await started(mute.port, "health", "--watch", "--json")
    first = await lines_until_interrupted(child, 1)

    assert {'{"service": "readiness", "status": "SERVING"}\n'} == first
    assert 130 == child.returncode


async def test_watch_a_service_that_goes() -> None:
    """When the service goes, the watch ends as a call to nobody does."""
    async with listening() as going:
        child = await started(going.port, "health", "--watch")
        assert child.stdout is not None
        await asyncio.wait_for(child.stdout.readline(), 10)
    await asyncio.wait_for(child.communicate(), 10)

    assert 3 == child.returncode
