"""Panels and dashboards in Grafana's JSON, laid out from left to right. Pure.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.telemetry import catalogue as of
from tools.dashboards.query import label

Json = Mapping[str, Any]

_SCHEMA_VERSION = 39
_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_TAG = "ai-provider"


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are pairs of an expression and what its series are called.

    `look` is laid over the custom options of the kind.
    """

    title: str
    description: str
    queries: Sequence[tuple[str, str]]
    unit: str
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    look: Json = field(default_factory=dict[str, Any])
    thresholds: Sequence[tuple[str, float]] = ()
    """Colours, and from which value on."""
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Texts and colours of values."""


@dataclass(frozen=True, slots=True)
class Board:
    name: str
    title: str
    description: str
    panels: Sequence[Panel]


def lines(
    title: str, description: str, queries: Sequence[tuple[str, str]], unit: str, width: int = 12
) -> Panel:
    return Panel(title, description, queries, unit, width=width)


def stacked(
    title: str, description: str, queries: Sequence[tuple[str, str]], unit: str, width: int = 12
) -> Panel:
    """Parts of a whole."""
    look = {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 55, "lineWidth": 0}
    return Panel(title, description, queries, unit, width=width, look=look)


def stat(
    title: str,
    description: str,
    query: str,
    unit: str,
    thresholds: Sequence[tuple[str, float]] = (),
) -> Panel:
    """One number. Four make a line."""
    return Panel(title, description, [(query, title)], unit, "stat", 6, 4, thresholds=thresholds)


def states(
    title: str,
    description: str,
    query: tuple[str, str],
    words: Mapping[int, tuple[str, str]],
) -> Panel:
    """A line for each series, coloured by its state."""
    return Panel(title, description, [query], "none", "state-timeline", 24, 8, words=words)


def dashboard(board: Board) -> Json:
    return {
        "uid": f"{_TAG}-{board.name}",
        "title": f"AI Provider / {board.title}",
        "description": board.description,
        "tags": [_TAG],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "annotations": {"list": []},
        "links": [_links()],
        "templating": {"list": _variables()},
        "panels": list(_laid_out(board.panels)),
    }


def _links() -> Json:
    return {
        "type": "dashboards",
        "title": "AI Provider",
        "tags": [_TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
    }


def _variables() -> Sequence[Json]:
    calls = f"{of.CALL_DURATION.prometheus}_count"
    attempts = of.ATTEMPTS.prometheus
    provider = label(of.PROVIDER)
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "hide": 0,
        },
        _variable("job", "Job", f"label_values({calls}, job)"),
        _variable("instance", "Replica", f'label_values({calls}{{job=~"$job"}}, instance)'),
        _variable("provider", "Provider", f'label_values({attempts}{{job=~"$job"}}, {provider})'),
    ]


def _variable(name: str, title: str, query: str) -> Json:
    return {
        "name": name,
        "label": title,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _laid_out(panels: Sequence[Panel]) -> Sequence[Json]:
    found: list[Json] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        found.append(_panel(panel, number, place))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return found


def _panel(panel: Panel, number: int, place: Json) -> Json:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "range": panel.kind != "stat",
                "instant": panel.kind == "stat",
            }
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _defaults(panel: Panel) -> Json:
    found: dict[str, Any] = {"unit": panel.unit, "min": 0, "custom": _custom(panel)}
    if panel.kind == "stat":
        found["color"] = {"mode": "thresholds"}
        steps = [{"color": "text", "value": None}]
        steps += [{"color": color, "value": value} for color, value in panel.thresholds]
        found["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.words:
        found["mappings"] = [
            {
                "type": "value",
                "options": {
                    str(value): {"text": text, "color": color, "index": value}
                    for value, (text, color) in panel.words.items()
                },
            }
        ]
    return found


def _custom(panel: Panel) -> Json:
    if panel.kind == "timeseries":
        return {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", **panel.look}
    return {"fillOpacity": 75, "lineWidth": 0} if panel.kind == "state-timeline" else {}


_OPTIONS: Mapping[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "value",
        "graphMode": "none",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "state-timeline": {
        "mergeValues": True,
        "showValue": "never",
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom"},
    },
}
