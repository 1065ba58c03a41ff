"""The rules file for Prometheus: what it is made of; and that promtool takes it, where that is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.alert_rules import main
from service.alerts.prometheus import rules_file
from service.config.alert_rules import AlertRuleSettings
from service.config.alert_values import rules
from service.domain.alert_rules import RuleKind
from service.telemetry.catalogue import METRICS, Kind

PROMTOOL = shutil.which("promtool")
NAMES = {
    name
    for metric in METRICS
    for name in (
        [f"{metric.prometheus}_{part}" for part in ("bucket", "count", "sum")]
        if metric.kind is Kind.HISTOGRAM
        else [metric.prometheus]
    )
}
LABELS = {name.replace(".", "_") for metric in METRICS for name in metric.attributes}


def written(*settings: dict[str, Any]) -> str:
    return rules_file(rules([AlertRuleSettings(**one) for one in settings]), 15.0, "A note.")


def read(text: str) -> list[dict[str, Any]]:
    return yaml.safe_load(text)["groups"][0]["rules"]


def every_kind() -> list[dict[str, Any]]:
    more: dict[str, Any] = {"latency": {"threshold": 5}, "budget": {"budget_usd": 1}}
    more["budget_burn"] = more["budget"]
    kinds = [kind.value for kind in RuleKind]
    return [{"kind": kind, "name": kind, **more.get(kind, {})} for kind in kinds]


def test_every_kind_is_there() -> None:
    """Each kind of rule has what it reads recorded, and an alert with its limits and times."""
    found = read(written(*every_kind()))

    assert [kind.value for kind in RuleKind] == [one["alert"] for one in found if "alert" in one]
    assert len(RuleKind) == len([one for one in found if "record" in one])


def test_an_alert() -> None:
    """It begins at one limit, goes on to the other, and has the times and labels of its rule."""
    setting = {"kind": "error_rate", "name": "e", "by": "provider", "subjects": ["a.b", "c"]}

    record, alert = read(written(setting))

    assert 'aiprovider_provider=~"a\\\\.b|c"' in record["expr"]
    assert {
        "alert": "e",
        "expr": "aiprovider:alert:e >= 0.2 or (aiprovider:alert:e > 0.1 and on"
        ' (aiprovider_provider) ALERTS{alertname="e",alertstate="firing"})',
        "for": "1m",
        "keep_firing_for": "2m",
        "labels": {"severity": "warning", "kind": "error_rate"},
        "annotations": {
            "summary": 'e ({{ $labels.aiprovider_provider }}): {{ $value | printf "%.4g" }}, >= 0.2'
        },
    } == alert


def test_less_is_worse() -> None:
    """A rule whose limits are the other way round compares the other way round."""
    alert = read(written({"kind": "cache_collapse", "name": "c"}))[1]

    assert alert["expr"].startswith("aiprovider:alert:c <= 0.5 or (aiprovider:alert:c < 0.75 and")


def test_what_no_metric_tells_is_left_out() -> None:
    """A rule that no metric can answer is named in a comment, and is no rule."""
    text = written({"kind": "cache_collapse", "name": "c", "by": "tenant"})

    assert [] == read(text)
    assert "# Left out: c, as no metric tells cache_collapse by tenant." in text.splitlines()


@pytest.mark.parametrize("by", ["all", "tenant", "provider", "model"])
def test_every_name_is_in_the_catalogue(by: str) -> None:
    """Expressions name metrics and labels of the catalogue, and no others."""
    rules = [
        {"kind": "error_rate", "name": "e", "by": by, "owners": ["caller", "provider"]},
        {"kind": "latency", "name": "t", "by": by, "threshold": 1},
        {"kind": "latency", "name": "f", "by": by, "threshold": 1, "of": "first_token"},
        {"kind": "cost_spike", "name": "s", "by": by},
        *([] if by in ("provider", "model") else [{"kind": "cache_collapse", "name": "c"}]),
        {"kind": "provider_down", "name": "d"},
    ]

    for one in read(written(*rules)):
        bare = re.sub(r'"[^"]*"', "", one["expr"])
        words = set(re.findall(r"\b(?:rpc|gen_ai|aiprovider|error)_\w+", bare))
        assert words <= NAMES | LABELS
        assert words or "alert" in one


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there")
def test_promtool_takes_every_kind(tmp_path: Path) -> None:
    """Prometheus' own tool takes rules of every kind."""
    file = tmp_path / "rules.yml"
    file.write_text(written(*every_kind()), encoding="utf-8")

    done = subprocess.run(
        [PROMTOOL or "", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there")
@pytest.mark.parametrize("model", ["gpt-4.1", 'a"b', "a\\b", "a\nb", "a(b)|[c]{d}^$?*+", "modèle"])
def test_any_name_is_found(model: str, tmp_path: Path) -> None:
    """A rule that is narrowed to a name reads what the metrics say of it, and of nobody else."""
    setting = {"kind": "error_rate", "name": "e", "by": "model", "subjects": [model]}
    (tmp_path / "rules.yml").write_text(written(setting), encoding="utf-8")
    label = json.dumps(model, ensure_ascii=False)
    series = [
        f'aiprovider_attempts_total{{aiprovider_model={name},aiprovider_outcome="failed",'
        'error_type="PROVIDER_TIMEOUT"}'
        for name in (label, '"other"')
    ]
    asked = {
        "expr": "aiprovider:alert:e",
        "eval_time": "10m",
        "exp_samples": [
            {"labels": f"aiprovider:alert:e{{aiprovider_model={label}}}", "value": 1},
        ],
    }
    counted = [{"series": one, "values": "0+100x20"} for one in series]
    test = {"interval": "1m", "input_series": counted, "promql_expr_test": [asked]}
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(whole), encoding="utf-8")

    done = subprocess.run(
        [PROMTOOL or "", "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m service alerts` prints the rules in force, and refuses what `serve` refuses."""
    file = tmp_path / "ai-provider.yml"
    monkeypatch.setenv("AI_PROVIDER_CONFIG_DIR", str(tmp_path))
    file.write_text("alerts: {interval_s: 30, rules: [{kind: cost_spike, name: spike}]}")

    printed = main([]), capsys.readouterr().out
    file.write_text("alerts: {rules: [{kind: cost_spike}]}")
    refused = main([])

    assert 0 == printed[0]
    assert ["aiprovider:alert:spike", "spike"] == [
        one.get("record") or one["alert"] for one in read(printed[1])
    ]
    assert "30s" == yaml.safe_load(printed[1])["groups"][0]["interval"]
    assert 2 == refused
    assert "alerts.rules[0].name: is required" in capsys.readouterr().err
