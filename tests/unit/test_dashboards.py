"""The dashboards that are shipped: fresh, whole, and about metrics that there are."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from service.telemetry.catalogue import ATTEMPTS, CALL_DURATION, IN_FLIGHT, METRICS, Kind, Metric
from tools.dashboards import query
from tools.dashboards.__main__ import TARGET, documents

NAMES = ("performance", "cost", "providers", "cache", "errors")
PROMETHEUS_OWN = {"job", "instance", "le"}
# Grafana puts these in before it asks.
FILLED_IN = {
    "$__rate_interval": "5m",
    "$__range": "6h",
    "$job": ".*",
    "$instance": ".*",
    "$provider": ".*",
}

NEEDS_PROMTOOL = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="no promtool on PATH (Debian: apt-get install prometheus)",
)


def series() -> dict[str, Metric]:
    """Every series that the exporter writes, by its name."""
    found: dict[str, Metric] = {}
    for metric in METRICS:
        is_histogram = metric.kind is Kind.HISTOGRAM
        for suffix in ("_bucket", "_sum", "_count") if is_histogram else ("",):
            found[metric.prometheus + suffix] = metric
    return found


def board(name: str) -> Any:
    return json.loads((TARGET / f"{name}.json").read_text())


def expressions(name: str) -> list[str]:
    return [target["expr"] for panel in board(name)["panels"] for target in panel["targets"]]


def filled(expression: str) -> str:
    for name, value in FILLED_IN.items():
        expression = expression.replace(name, value)
    return expression


def parts(expression: Any) -> Iterator[Any]:
    """It, and everything in it."""
    yield expression
    inner = [getattr(expression, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for one in (*inner, *getattr(expression, "args", ())):
        if one is not None:
            yield from parts(one)


def test_they_are_fresh() -> None:
    """What is shipped is what the generator writes; a rename in the catalogue is seen here."""
    found = {path.name: path.read_text() for path in TARGET.glob("*.json")}

    assert dict(documents()) == found
    assert {f"{name}.json" for name in NAMES} == found.keys()


@pytest.mark.parametrize("name", NAMES)
def test_each_is_whole(name: str) -> None:
    """Panels have ids, titles, descriptions and units, and none lies on another."""
    found = board(name)
    panels = found["panels"]
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert (39, f"ai-provider-{name}") == (found["schemaVersion"], found["uid"])
    assert len(panels) == len({panel["id"] for panel in panels})
    assert all(panel["title"] and panel["description"].endswith(".") for panel in panels)
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)
    assert len(cells) == len(set(cells))
    assert 24 > max(x for x, _ in cells)


@pytest.mark.parametrize("name", NAMES)
def test_whoever_looks_chooses_the_source(name: str) -> None:
    """Every panel asks the data source of the variable, and no other."""
    found = board(name)
    variables = [one["name"] for one in found["templating"]["list"]]
    sources = {
        one["datasource"]["uid"] for panel in found["panels"] for one in (panel, *panel["targets"])
    }

    assert ["datasource", "job", "instance", "provider"] == variables
    assert {"${datasource}"} == sources


@pytest.mark.parametrize("name", NAMES)
def test_every_expression_asks_for_what_there_is(name: str) -> None:
    """Metrics, suffixes and labels are those of the catalogue, as the exporter spells them."""
    known = series()

    for text in expressions(name):
        selectors = [
            one for one in parts(promql_parser.parse(filled(text))) if hasattr(one, "matchers")
        ]
        assert selectors, text
        labels = {
            query.label(attribute) for one in selectors for attribute in known[one.name].attributes
        }
        matched = {matcher.name for one in selectors for matcher in one.matchers.matchers}
        modifiers = [
            getattr(one, "modifier", None) for one in parts(promql_parser.parse(filled(text)))
        ]
        grouped = {label for one in modifiers for label in getattr(one, "labels", ())}
        assert {"job", "instance"} <= matched
        assert matched | grouped <= labels | PROMETHEUS_OWN, text


def test_legends_name_labels_that_are_left() -> None:
    """A label in a legend is one that the sum keeps."""
    for name in NAMES:
        for panel in board(name)["panels"]:
            for target in panel["targets"]:
                for word in target["legendFormat"].split("{{")[1:]:
                    assert word.partition("}}")[0] in target["expr"].partition(" by ")[2]


def test_only_what_there_is_can_be_drawn() -> None:
    """The generator refuses a label that a metric lacks, and a sum that it does not have."""
    with pytest.raises(ValueError, match=r"has no attribute gen_ai\.token\.type"):
        query.rate(ATTEMPTS, ("gen_ai.token.type",))
    with pytest.raises(ValueError, match="is a gauge"):
        query.rate(IN_FLIGHT)
    with pytest.raises(ValueError, match="is no histogram"):
        query.quantile(0.5, ATTEMPTS)
    with pytest.raises(ValueError, match="is no gauge"):
        query.gauge(CALL_DURATION)


def test_the_folder_is_provisioned() -> None:
    """The file for Grafana is one that Grafana understands."""
    found = yaml.safe_load((TARGET / "provisioning" / "dashboards.yml").read_text())

    assert 1 == found["apiVersion"]
    assert ["file"] == [provider["type"] for provider in found["providers"]]


@NEEDS_PROMTOOL
def test_prometheus_understands_them(tmp_path: Path) -> None:
    """Prometheus' own parser takes every expression."""
    rules = [
        {"record": f"check:{name}:{place}", "expr": filled(text)}
        for name in NAMES
        for place, text in enumerate(expressions(name))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "check", "rules": rules}]}))
    told = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False
    )

    assert 0 == told.returncode, told.stderr
    assert f"{len(rules)} rules found" in told.stdout


CALL = (
    'rpc_server_call_duration_seconds_count{job="j",instance="i",aiprovider_tenant="t",'
    'rpc_method="aiprovider.v1.CompletionService/Complete",rpc_response_status_code="OK"}'
)
ATTEMPT = (
    'aiprovider_attempts_total{job="j",instance="i",aiprovider_provider="openai",'
    'aiprovider_outcome="ok"}'
)


@NEEDS_PROMTOOL
@pytest.mark.parametrize(
    ("name", "title", "labels"),
    [
        ("errors", "Failed", "{}"),
        ("performance", "Failed", "{}"),
        (
            "errors",
            "Failed share by method",
            '{rpc_method="aiprovider.v1.CompletionService/Complete"}',
        ),
        ("providers", "Failed", '{aiprovider_provider="openai"}'),
    ],
)
def test_nothing_failed_is_not_nothing_known(
    name: str, title: str, labels: str, tmp_path: Path
) -> None:
    """A share reads 0 where there was nothing of it yet, and not "No data"."""
    [panel] = [panel for panel in board(name)["panels"] if panel["title"] == title]
    asked = {
        "expr": filled(panel["targets"][0]["expr"]),
        "eval_time": "10m",
        "exp_samples": [{"labels": labels, "value": 0}],
    }
    counted = [{"series": series, "values": "0+10x20"} for series in (CALL, ATTEMPT)]
    test = {"interval": "1m", "input_series": counted, "promql_expr_test": [asked]}
    (tmp_path / "none.yml").write_text("groups: []")
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["none.yml"], "tests": [test]})
    )
    told = subprocess.run(
        ["promtool", "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == told.returncode, told.stdout + told.stderr
