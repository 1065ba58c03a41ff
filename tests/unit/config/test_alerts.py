"""Settings of alerts: what they mean, what is refused, what is secret."""

from __future__ import annotations

import pytest

from service.config import secrets
from service.config.alert_values import rules
from service.config.report import describe_json
from service.domain.alert_rules import (
    Budget,
    By,
    CacheCollapse,
    CostSpike,
    ErrorRate,
    Holding,
    Latency,
    Limits,
    Period,
    Rule,
    RuleKind,
    Scope,
    Span,
)
from service.domain.reasons import FaultOwner
from tests.unit.config.conftest import World

HOOK = "{name: oncall, url: 'https://h.example/T0KEN', secret: sixteen-letters-at-least}"


def ruled(world: World, *lines: str) -> tuple[Rule, ...]:
    world.file("alerts:\n  rules:\n" + "".join(f"    - {line}\n" for line in lines))
    return rules(world.load().settings.alerts.active_rules)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{kind: error_rate, name: r}", ErrorRate("r", Limits(0.2, 0.1))),
        (
            "{kind: error_rate, name: r, by: provider, subjects: [openai], owners: [caller]}",
            ErrorRate(
                "r",
                Limits(0.2, 0.1),
                scope=Scope(By.PROVIDER, frozenset({"openai"})),
                owners=frozenset({FaultOwner.CALLER}),
            ),
        ),
        (
            "{kind: latency, name: r, threshold: 10, clear: 8, of: first_token, quantile: 0.99}",
            Latency("r", Limits(10.0, 8.0), quantile=0.99, of=Span.FIRST_TOKEN),
        ),
        (
            "{kind: budget, name: r, budget_usd: 12.5, period: day, for_s: 0, clear_for_s: 1}",
            Budget(
                "r",
                Limits(0.8, 0.8 * 0.9),
                Holding(0.0, 1.0),
                budget_nano_usd=12_500_000_000,
                period=Period.DAY,
            ),
        ),
        ("{kind: cache_collapse, name: r}", CacheCollapse("r", Limits(0.5, 0.75))),
        (
            "{kind: cost_spike, name: r, floor_usd: 0.5, windows: 6}",
            CostSpike("r", Limits(3.0, 2.0), windows=6, floor_nano_usd=500_000_000),
        ),
    ],
)
def test_a_rule(world: World, line: str, expected: Rule) -> None:
    """A rule is what its line says, and for the rest what is usual for its kind."""
    assert (expected,) == ruled(world, line)


def test_every_kind_has_defaults(world: World) -> None:
    """Each kind needs no more than its name, but for a latency's limit and a budget."""
    more = {"latency": ", threshold: 5", "budget": ", budget_usd: 1"}
    more["budget_burn"] = more["budget"]
    lines = [
        f"{{kind: {kind.value}, name: {kind.value}{more.get(kind.value, '')}}}" for kind in RuleKind
    ]

    assert list(RuleKind) == [rule.kind for rule in ruled(world, *lines)]


def test_no_rules(world: World) -> None:
    """Without rules two are built in; an empty list means none."""
    world.file("alerts: {}")
    built_in = world.load().settings.alerts.active_rules
    world.file("alerts: {rules: []}")
    none = world.load().settings.alerts.active_rules

    assert ["provider_down", "error_rate"] == [rule.name for rule in built_in]
    assert () == none


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{kind: error_rate, name: r, quantile: 0.5}", ".quantile: is no setting of the kind"),
        ("{kind: provider_down, name: r, threshold: 1}", ".threshold: is no setting of the kind"),
        ("{kind: latency, name: r}", ".threshold: is required by the kind `latency`"),
        ("{kind: budget, name: r}", ".budget_usd: is required by the kind `budget`"),
        ("{kind: error_rate, name: r, threshold: 2}", ".threshold: must be at most 1"),
        ("{kind: error_rate, name: r, clear: 0.5}", ": clear (0.5) must be better than threshold"),
        ("{kind: cache_collapse, name: r, clear: 0.4}", ": clear (0.4) must be better"),
        ("{kind: provider_down, name: r, by: tenant}", ".by: must be `provider` for the kind"),
        ("{kind: budget, name: r, budget_usd: 1, by: model}", ".by: must be `all` or `tenant`"),
        ("{kind: error_rate, name: r, subjects: [a]}", ".subjects: needs `by`"),
        ("{kind: error_rate, name: r, window_s: 7200}", ".window_s: must be at most 3600"),
        ("{kind: cost_spike, name: r, window_s: 3600}", ": windows times window_s must be at most"),
        ("{kind: eror_rate, name: r}", ".kind: must be"),
        ("{kind: error_rate, name: r, treshold: 1}", ".treshold: unknown key; did you mean"),
    ],
)
def test_a_mistake(world: World, line: str, expected: str) -> None:
    """It is told with file, line and field."""
    world.file(f"alerts:\n  rules:\n    - {line}")

    [problem] = world.problems()

    assert problem.startswith(f"ai-provider.yml:3: alerts.rules[0]{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{webhooks: [{name: a, url: 'ftp://h', secret: sixteen-letters-at-least}]}",
            "alerts.webhooks[0].url: must be a URL with a host that begins with http:// or",
        ),
        (
            "{webhooks: [{name: a, url: 'http://h', secret: short}]}",
            "alerts.webhooks[0].secret: must have at least 16 bytes",
        ),
        (
            "{webhooks: [{name: a, url: 'http://h', secret: 'whsec_???'}]}",
            "alerts.webhooks[0].secret: what follows `whsec_` must be base64",
        ),
        (f"{{webhooks: [{HOOK}, {HOOK}]}}", "alerts: webhooks: the same name stands there twice"),
        (
            "{rules: [{kind: error_rate, name: r}, {kind: error_rate, name: r}]}",
            "alerts: rules: the same name stands there twice",
        ),
        (
            f"{{webhooks: [{HOOK[:-1]}, rules: [nobody]}}]}}",
            "alerts: webhooks: oncall names rules that are not there: nobody",
        ),
    ],
)
def test_a_mistake_about_webhooks(world: World, text: str, expected: str) -> None:
    """It is told with its field; names are unique, and rules that are named exist."""
    world.file(f"alerts: {text}")

    [problem] = world.problems()

    assert problem.startswith(f"ai-provider.yml:1: {expected}")


def test_what_is_secret(world: World) -> None:
    """Neither the secret nor the URL of a webhook is ever shown, and the redactor knows both."""
    world.file(f"alerts: {{webhooks: [{HOOK}]}}")
    loaded = world.load()

    shown = describe_json(loaded)

    assert {"https://h.example/T0KEN", "sixteen-letters-at-least"} <= set(secrets(loaded.settings))
    assert "T0KEN" not in shown
    assert "sixteen" not in shown
