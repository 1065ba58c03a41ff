"""`aip usage`, `costs`, `performance`, `errors`, `overview` and `top` as a shell sees them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiprovider_client import Client, NotFoundError

from tests.contract.client import shell
from tests.kit.stack import Stack, running

KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
    {"tenant": "ops", "caller": "o", "key": "ops", "permissions": ["analytics_all"]},
]


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    """Of `acme`: two answers of one model, one of another, and a mistake."""
    variables = {
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(tmp_path / "ledger.sqlite"),
        "AI_PROVIDER__ANALYTICS__LABELS": '["team"]',
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
    }
    async with running(tmp_path, **variables) as stack:
        target = f"127.0.0.1:{stack.app.server.port}"
        async with Client(target, api_key="acme", timeout_s=5) as client:
            for text in ("One", "Two"):
                await client.complete("gpt-4o", text, labels={"team": "red"})
            await client.complete("claude-sonnet-4-5", "Three")
            with pytest.raises(NotFoundError):
                await client.complete("nope", "Four")
        yield stack


async def aip(stack: Stack, *arguments: str, key: str = "acme") -> tuple[int, str, str]:
    return await shell.aip(stack.app.server.port, *arguments, "--api-key", key)


async def rows(stack: Stack, *arguments: str) -> list[dict[str, str]]:
    code, out, err = await aip(stack, *arguments, "--format", "csv")
    assert 0 == code, err
    return list(csv.DictReader(io.StringIO(out)))


async def test_costs(stack: Stack) -> None:
    """CSV has raw whole numbers, which add up to what JSON tells of all; the table has money."""
    by_model = ("costs", "--by", "model", "--since", "1h")
    found, (_, told, _), (_, table, _) = await asyncio.gather(
        rows(stack, *by_model), aip(stack, "costs", "--json"), aip(stack, *by_model)
    )

    total = json.loads(told)["total"]
    assert {"gpt-4o": "2", "claude-sonnet-4-5": "1", "nope": "1"} == {
        row["model"]: row["requests"] for row in found
    }
    nano_usd = sum(int(row["total_nano_usd"]) for row in found)
    assert nano_usd == int(total["cost"]["totalNanoUsd"]) > 0
    lines = table.splitlines()
    assert ["model", "requests"] == lines[0].split()[:2]
    assert "$0.0" in lines[1]
    assert lines[-2].startswith("all")
    assert lines[-1].startswith("complete until 20")


async def test_every_query(stack: Stack) -> None:
    """Each one takes steps, labels, filters and ranks, and tells a table of the same columns."""
    many = ("--step", "1h", "--by", "provider", "--by", "label:team", "--filter", "model=gpt-4o")
    ranked = (*many, "--top", "1", "--order", "requests")
    commands = ("usage", "performance", "errors")
    found = await asyncio.gather(*(rows(stack, command, *ranked) for command in commands))

    assert [[("openai", "red", "2")]] * 3 == [
        [(row["provider"], row["label:team"], row["requests"]) for row in told] for told in found
    ]


async def test_overview(stack: Stack) -> None:
    """A screenful, or a table of the trend."""
    (code, out, err), trend = await asyncio.gather(
        aip(stack, "overview", "--since", "24h"), rows(stack, "overview")
    )

    assert 0 == code, err
    assert "requests: 4 (0 in the same time before), 1 failed" in out
    assert "MODEL_NOT_FOUND" in out
    assert 4 == sum(int(row["requests"]) for row in trend)


async def test_tenants(stack: Stack) -> None:
    """One's own alone, but with the permission; the refusal says what would permit it."""
    (code, out, err), (_, own, _), (_, every, _) = await asyncio.gather(
        aip(stack, "costs", "--filter", "tenant=acme", key="globex"),
        aip(stack, "usage", "--by", "tenant", key="globex"),
        aip(stack, "usage", "--by", "tenant", key="ops"),
    )

    assert (4, "") == (code, out)
    assert "analytics_all" in err
    assert "acme" in every
    assert "acme" not in own


async def test_refusals(stack: Stack) -> None:
    """The service's own words say what to ask instead; a script sees the exit code."""
    (code, out, err), (again, _, step) = await asyncio.gather(
        aip(stack, "costs", "--by", "label:user"), aip(stack, "usage", "--step", "90s")
    )

    assert (2, 2, "") == (code, again, out)
    assert "kept are team" in err
    assert "step: must be a multiple of 60 s" in step


async def test_top(stack: Stack) -> None:
    """Where there is no terminal, a line each time; as CSV, too; --count ends it."""
    often = ("top", "--interval", "0.2", "--count", "2")
    (code, lines, err), table = await asyncio.gather(aip(stack, *often), rows(stack, *often))

    assert (0, 2) == (code, len(lines.splitlines())), err
    assert "requests/s" in lines
    assert 2 == len(table)
    assert table[0]["count"].isdigit()


async def test_top_is_interrupted(stack: Stack) -> None:
    """Ctrl-C ends it, and the service is rid of the watch."""
    child: Any = await shell.started(
        stack.app.server.port, "top", "--interval", "0.2", "--api-key", "acme"
    )
    await asyncio.wait_for(child.stdout.readline(), 10)
    child.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(child.communicate(), 10)

    assert 130 == child.returncode
    assert b"Traceback" not in err
