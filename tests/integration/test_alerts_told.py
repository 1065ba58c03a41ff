"""Alerts as callers ask for them: what fires and what is over, and who sees what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from aiprovider.v1 import alert_pb2
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc as pb_grpc

from service.config import load
from tests.integration.analytics_calls import by
from tests.kit.serving import details, unary
from tests.kit.stack import Stack, environment, running

KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
    {"tenant": "ops", "caller": "o", "key": "ops", "permissions": ["analytics_all"]},
]
AT_ONCE = {"for_s": 0, "clear_for_s": 0, "requests_min": 1}
BUDGET = {"kind": "budget", "budget_usd": "0.000001", "for_s": 0}
RULES: list[dict[str, Any]] = [
    {"kind": "error_rate", "name": "each", "by": "tenant", **AT_ONCE},
    {"kind": "error_rate", "name": "whole", "severity": "critical", **AT_ONCE},
    {"kind": "error_rate", "name": "slow", **AT_ONCE, "for_s": 3600},
    {**BUDGET, "name": "spent", "severity": "critical"},
    {**BUDGET, "name": "spent_each", "by": "tenant"},
]
EVERYTHING = {
    "firing whole ",
    "firing each acme",
    "firing each globex",
    "firing spent ",
    "firing spent_each acme",
    "firing spent_each globex",
    "pending slow ",
}


def variables(folder: Path, rules: list[dict[str, Any]]) -> dict[str, str]:
    return {
        "AI_PROVIDER__ALERTS__INTERVAL_S": "0.05",
        "AI_PROVIDER__ALERTS__RULES": json.dumps(rules),
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(folder / "ledger.sqlite"),
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
    }


class Scene:
    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        channel: Any = stack.channel
        self.analytics: Any = pb_grpc.AnalyticsServiceStub(channel)
        self._folder = folder

    async def told(self, key: str = "ops", **wish: Any) -> pb.ListAlertsResponse:
        return await self.analytics.ListAlerts(pb.ListAlertsRequest(**wish), **by(key))

    async def until(self, holds: Callable[[pb.ListAlertsResponse], bool]) -> pb.ListAlertsResponse:
        async with asyncio.timeout(10):
            while not holds(told := await self.told()):
                await asyncio.sleep(0.02)
        return told

    async def adopt(self, rules: list[dict[str, Any]]) -> None:
        """A reload, which asks the ledger at once: else budgets are asked once a minute."""
        surroundings = environment(self.stack.adversary, **variables(self._folder, rules))
        loaded = load(surroundings, directory=self._folder, secrets_dir=self._folder / "none")
        await self.stack.app.reload(loaded)


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncGenerator[Scene, None]:
    """Both tenants had an answer that cost something, and a failure of a provider."""
    async with running(tmp_path, **variables(tmp_path, RULES)) as stack:
        found = Scene(stack, tmp_path)
        for tenant in ("acme", "globex"):
            await stack.completion.Complete(unary("Hi", "gpt-4o"), **by(tenant))
            stack.adversary.script("status=503", times=1)
            with pytest.raises(grpc.aio.AioRpcError):
                await stack.completion.Complete(unary("Ho", "deepseek-chat"), **by(tenant))
        await found.adopt(RULES)
        await found.until(lambda told: set(names(told.alerts)) >= EVERYTHING)
        yield found


def names(alerts: Any) -> list[str]:
    states = alert_pb2.AlertState
    return [
        f"{states.Name(one.state).removeprefix('ALERT_STATE_').lower()} {one.rule} {one.tenant}"
        for one in alerts
    ]


async def test_what_fires_and_what_is_over(scene: Scene) -> None:
    """It is told with what was read and the limits; when its rule is gone, as over."""
    told = await scene.told()
    [whole] = [one for one in told.alerts if one.rule == "whole"]
    await scene.adopt([])
    after = await scene.told()
    [over] = [one for one in after.alerts if one.rule == "whole"]

    assert EVERYTHING == set(names(told.alerts))
    assert (len(EVERYTHING), len(RULES)) == (told.alert_count, told.rule_count)
    assert ["firing spent ", "firing whole "] == sorted(names(told.alerts)[:2])
    assert "pending slow " == names(told.alerts)[-1]
    assert (0.5, 0.2, "share") == (whole.value, whole.threshold, whole.unit)
    assert "whole (all) is firing: 0.5 share, at least 0.2" == whole.summary
    assert told.check_time.ToNanoseconds() >= whole.since_time.ToNanoseconds() > 0
    assert {"resolved"} == {name.split()[0] for name in names(after.alerts)}
    assert 0 == after.rule_count
    assert (whole.id, whole.since_time) == (over.id, over.since_time)
    assert over.resolve_time.ToNanoseconds() > over.since_time.ToNanoseconds()
    assert alert_pb2.ALERT_END_RULE_CHANGED == over.end
    assert "whole (all) is over: the rule was changed or removed" == over.summary


async def test_who_sees_what(scene: Scene) -> None:
    """A tenant sees its own alerts and how the service does; not what others do or all spend."""
    acme, globex = await scene.told("acme"), await scene.told("globex")
    seen = {"firing whole ", "firing each acme", "firing spent_each acme", "pending slow "}

    assert seen == set(names(acme.alerts))
    assert len(seen) == acme.alert_count
    assert {name.replace("acme", "globex") for name in seen} == set(names(globex.alerts))


async def test_filters(scene: Scene) -> None:
    """By state, by severity, and so many; what cannot be meant is refused with its field."""
    pending = await scene.told(states=[alert_pb2.ALERT_STATE_PENDING])
    critical = await scene.told(severities=[alert_pb2.ALERT_SEVERITY_CRITICAL])
    first = await scene.told(limit=1)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await scene.told(states=[77])

    assert ["pending slow "] == names(pending.alerts)
    assert ["firing spent ", "firing whole "] == sorted(names(critical.alerts))
    assert (1, len(EVERYTHING)) == (len(first.alerts), first.alert_count)
    assert grpc.StatusCode.INVALID_ARGUMENT is refused.value.code()
    [violation] = details(refused.value).bad.field_violations
    assert "states[0]" == violation.field


async def test_the_overview_tells_what_fires(scene: Scene) -> None:
    """With the same rights, and whatever else is asked for."""
    told = {
        key: await scene.analytics.GetOverview(
            pb.GetOverviewRequest(filters={"model": "nobody's"}), **by(key)
        )
        for key in ("acme", "ops")
    }
    firing = {name for name in EVERYTHING if name.startswith("firing")}

    assert firing == set(names(told["ops"].firing_alerts))
    assert len(firing) == told["ops"].firing_alert_count
    assert {"firing whole ", "firing each acme", "firing spent_each acme"} == set(
        names(told["acme"].firing_alerts)
    )


async def test_nothing_is_told_without_a_key(scene: Scene) -> None:
    """Alerts are for callers alone."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await scene.analytics.ListAlerts(pb.ListAlertsRequest())

    assert grpc.StatusCode.UNAUTHENTICATED is refused.value.code()
