"""Alerts of the whole service: from failing calls to the log and the webhook, and back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import structlog

from service.config import load
from service.domain.alerts import Why
from tests.kit.receiver import SECRET, Receiver
from tests.kit.serving import unary
from tests.kit.stack import MODELS, Stack, environment, running

RULES: list[Mapping[str, Any]] = [
    {"kind": "provider_down", "name": "down", "for_s": 0, "clear_for_s": 0},
    {"kind": "error_rate", "name": "errors", "requests_min": 5, "for_s": 0, "clear_for_s": 0},
    {
        "kind": "budget",
        "name": "spent",
        "by": "tenant",
        "subjects": ["anonymous"],
        "budget_usd": "0.000001",
        "for_s": 0,
    },
]


class Shifted:
    """The monotonic clock, set forward by hand."""

    def __init__(self) -> None:
        self.by_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.by_s


def variables(receiver: Receiver, rules: list[Mapping[str, Any]] = RULES) -> dict[str, str]:
    hook = {"name": "oncall", "url": receiver.url, "secret": SECRET}
    return {
        "AI_PROVIDER__ALERTS__INTERVAL_S": "0.05",
        "AI_PROVIDER__ALERTS__RULES": json.dumps(rules),
        "AI_PROVIDER__ALERTS__WEBHOOKS": json.dumps([hook]),
    }


@asynccontextmanager
async def scene(folder: Path, **more: str) -> AsyncGenerator[tuple[Stack, Receiver, Shifted], None]:
    async with Receiver() as receiver, running(folder, **variables(receiver), **more) as stack:
        clock = Shifted()
        stack.app.board.clock = stack.app.monitor.clock = clock
        yield stack, receiver, clock


async def reload(stack: Stack, folder: Path, **variables: str) -> None:
    surroundings = environment(stack.adversary, **variables)
    loaded = load(surroundings, directory=folder, secrets_dir=folder / "no-secrets")
    await stack.app.reload(loaded)


async def ask(stack: Stack, times: int) -> int:
    """How many of them were answered."""
    answered = 0
    for place in range(times):
        try:
            await stack.completion.Complete(unary(f"Hi {place}", MODELS["openai"]))
        except grpc.aio.AioRpcError:
            continue
        answered += 1
    return answered


def told(receiver: Receiver) -> list[tuple[str, str, str]]:
    return [(body["rule"], body["subject"]["name"], body["state"]) for body in receiver.delivered]


async def until_told(receiver: Receiver, *wanted: tuple[str, str, str]) -> None:
    async with asyncio.timeout(5):
        while not set(wanted) <= set(told(receiver)):
            await asyncio.sleep(0.02)


async def test_an_outage_and_its_end(tmp_path: Path) -> None:
    """Failing calls fire the rules for errors and for the provider, in the log and at the
    webhook; when it answers again both are told to be over.
    """
    firing = ("down", "openai", "firing"), ("errors", "", "firing")
    resolved = ("down", "openai", "resolved"), ("errors", "", "resolved")
    with structlog.testing.capture_logs() as lines:
        async with scene(tmp_path) as (stack, receiver, clock):
            stack.adversary.script("status=503", "openai")
            answered_before = await ask(stack, 8)
            await until_told(receiver, *firing)
            gauge = {values[0] for values, _ in stack.app.alerting.firing()}
            stack.adversary.unscript()
            clock.by_s = 30.0
            answered_after = await ask(stack, 80)
            await until_told(receiver, *resolved)

    assert (0, 80) == (answered_before, answered_after)
    assert {"down", "errors"} <= gauge
    found = [one for one in told(receiver) if one[0] != "spent"]
    assert sorted([*firing, *resolved]) == sorted(found)
    assert [204] * len(found) == [one.status for one in receiver.requests][: len(found)]
    events = [(line["rule"], line["event"]) for line in lines if line["event"].startswith("alert")]
    for rule in ("down", "errors"):
        assert [(rule, "alert firing"), (rule, "alert resolved")] == [
            one for one in events if one[0] == rule
        ]


async def test_a_budget_in_the_ledger(tmp_path: Path) -> None:
    """What calls cost stands in the ledger, and fires the rule of their tenant's budget."""
    ledger = {
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(tmp_path / "ledger.sqlite3"),
    }
    async with scene(tmp_path, **ledger) as (stack, receiver, _):
        assert 3 == await ask(stack, 3)
        # The ledger is asked once a minute, and was so before the calls; a reload asks at once.
        await reload(stack, tmp_path, **variables(receiver), **ledger)
        await until_told(receiver, ("spent", "anonymous", "firing"))

    [body] = [body for body in receiver.delivered if body["rule"] == "spent"]
    assert body["value"] > 1.0
    assert ("budget", 0.8) == (body["kind"], body["threshold"])


async def test_a_reload(tmp_path: Path) -> None:
    """An alert goes on over a reload that leaves its rule as it is, and ends with one that does
    not.
    """
    async with scene(tmp_path) as (stack, receiver, _):
        stack.adversary.script("status=503", "openai")
        await ask(stack, 8)
        await until_told(receiver, ("errors", "", "firing"), ("down", "openai", "firing"))
        changed = [{**RULES[0], "severity": "critical"}, *RULES[1:]]
        await reload(stack, tmp_path, **variables(receiver, changed))
        await until_told(receiver, ("down", "openai", "resolved"))
        await asyncio.sleep(0.2)

    errors = [body["why"] for body in receiver.delivered if body["rule"] == "errors"]
    assert [Why.FIRED.value] == errors
    down = [
        (body["why"], body["severity"]) for body in receiver.delivered if body["rule"] == "down"
    ]
    assert [("fired", "warning"), ("rule_changed", "warning"), ("fired", "critical")] == down


async def test_the_built_in_rules(tmp_path: Path) -> None:
    """With no configuration two rules are watched, and the log alone is told."""
    async with running(tmp_path) as stack:
        rules = stack.app.alerting.evaluator.book.rules

    assert ["provider_down", "error_rate"] == list(rules)
