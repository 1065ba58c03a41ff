"""`aip alerts` as a shell sees it, and what `aip overview` tells of them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from aiprovider_client import Client, NotFoundError

from tests.contract.client import shell
from tests.kit.stack import Stack, running

KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
]
AT_ONCE = {"kind": "error_rate", "owners": ["caller"], "for_s": 0, "requests_min": 1}
RULES = [
    {"name": "whole", "severity": "critical", **AT_ONCE},
    {"name": "each", "by": "tenant", **AT_ONCE},
]


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    """Of two requests of `acme` one failed, and that fired both rules."""
    variables = {
        "AI_PROVIDER__ALERTS__INTERVAL_S": "0.05",
        "AI_PROVIDER__ALERTS__RULES": json.dumps(RULES),
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(tmp_path / "ledger.sqlite"),
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
    }
    async with running(tmp_path, **variables) as stack:
        target = f"127.0.0.1:{stack.app.server.port}"
        async with Client(target, api_key="acme", timeout_s=5) as client, asyncio.timeout(10):
            await client.complete("gpt-4o", "One")
            with pytest.raises(NotFoundError):
                await client.complete("nope", "Two")
            while (await client.alerts(["firing"])).alert_count < 2:
                await asyncio.sleep(0.02)
        yield stack


async def aip(stack: Stack, *arguments: str, key: str = "acme") -> tuple[int, str, str]:
    return await shell.aip(stack.app.server.port, *arguments, "--api-key", key)


async def test_alerts(stack: Stack) -> None:
    """A person's table has shares and words, CSV raw numbers, JSON the contract's message."""
    (code, told, err), (_, rows, _), (_, message, _) = await asyncio.gather(
        aip(stack, "alerts"),
        aip(stack, "alerts", "--format", "csv"),
        aip(stack, "alerts", "--json"),
    )

    assert 0 == code, err
    heading, *lines, last = told.splitlines()
    assert ["state", "severity", "rule", "of", "value", "bad"] == heading.split()[:6]
    assert lines[0].startswith("firing  critical  whole  all          50.0 %  at least 20.0 %  20")
    assert lines[1].startswith("firing  warning   each   tenant acme  50.0 %")
    assert last.startswith("2 firing; 2 rules, checked at 20")
    whole, each = csv.DictReader(io.StringIO(rows))
    assert ("0.5", "0.2", "share", "") == (
        whole["value"],
        whole["threshold"],
        whole["unit"],
        whole["resolve_time"],
    )
    assert ("tenant", "acme") == (each["by"], each["subject"])
    assert [whole["id"], each["id"]] == [one["id"] for one in json.loads(message)["alerts"]]


async def test_what_is_over(stack: Stack) -> None:
    """It is told with both times; a rule that is gone is not watched."""
    stack.app.alerting.evaluator.adopt((), 0.0)
    (_, told, _), (_, rows, _) = await asyncio.gather(
        aip(stack, "alerts", "--state", "resolved", "--top", "1"),
        aip(stack, "alerts", "--state", "resolved", "--format", "csv"),
    )

    assert told.splitlines()[1].startswith("resolved ")
    assert told.splitlines()[1].endswith("  rule changed")
    assert "1 resolved, 1 more; no rule is in force: nothing is watched" == told.splitlines()[-1]
    assert {"rule_changed"} == {row["end"] for row in csv.DictReader(io.StringIO(rows))}
    assert {"whole", "each"} == {row["rule"] for row in csv.DictReader(io.StringIO(rows))}
    assert all(
        row["since_time"] <= row["resolve_time"] for row in csv.DictReader(io.StringIO(rows))
    )


async def test_tenants_and_filters(stack: Stack) -> None:
    """Others see how the service does, and not the tenant; filters narrow it further."""
    (_, told, _), (code, none, _), (refused, out, _) = await asyncio.gather(
        aip(stack, "alerts", key="globex"),
        aip(stack, "alerts", "--severity", "warning", key="globex"),
        aip(stack, "alerts", "--state", "calm"),
    )

    assert "whole" in told
    assert "acme" not in told
    assert 0 == code
    assert none.startswith("no such alerts; 2 rules, checked at 20")
    assert (2, "") == (refused, out)


async def test_the_overview(stack: Stack) -> None:
    """What fires stands above all figures."""
    code, told, err = await aip(stack, "overview")

    assert 0 == code, err
    assert [
        "critical: whole (all) is firing: 0.5 share, at least 0.2",
        "warning: each (tenant acme) is firing: 0.5 share, at least 0.2",
    ] == told.splitlines()[1:3]
