"""Alerts on the page: over HTTP, and as a real browser shows them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest
import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc
from google.protobuf import json_format

from tests.kit import chromium
from tests.kit.accessibility import FAINT, UNNAMED
from tests.kit.chromium import Tab
from tests.kit.serving import unary
from tests.kit.stack import Stack, running

in_chromium = pytest.mark.skipif(
    chromium.path() is None,
    reason="no Chromium on PATH (Debian: apt-get install chromium-headless-shell)",
)
AT_ONCE = {"kind": "error_rate", "requests_min": 1, "for_s": 0}
RULES = [
    {"name": "attempts", "by": "provider", "severity": "critical", **AT_ONCE},
    {"name": "own", "by": "tenant", **AT_ONCE},
    {"name": "long", **AT_ONCE, "for_s": 3600},
]
MODELS_ALERT = {
    "rule": "r",
    "kind": "ALERT_KIND_COST_SPIKE",
    "severity": "ALERT_SEVERITY_WARNING",
    "state": "ALERT_STATE_RESOLVED",
    "model": "<img src=x>",
    "value": 1.5e9,
    "threshold": 5e8,
    "clearThreshold": 4e8,
    "unit": "nano_usd/min",
    "sinceTime": "2026-01-31T09:30:00Z",
    "resolveTime": "2026-01-31T09:32:00Z",
    "end": "ALERT_END_NO_DATA",
}
STRIP = """[...document.querySelectorAll('.strip li')]
  .map((row) => [...row.children].map((cell) => cell.textContent))"""
ROWS = """[...document.querySelectorAll('#%s tbody tr')]
  .map((row) => [...row.cells].map((cell) => cell.textContent))"""


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack]:
    """Half of the requests failed at OpenAI, which fired two rules and makes the third wait."""
    variables = {
        "AI_PROVIDER__ADMIN__PORT": "0",
        "AI_PROVIDER__ALERTS__INTERVAL_S": "0.05",
        "AI_PROVIDER__ALERTS__RULES": json.dumps(RULES),
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(tmp_path / "ledger.sqlite"),
    }
    async with running(tmp_path, **variables) as stack:
        await stack.completion.Complete(unary("Hi.", "gpt-4o"))
        stack.adversary.script("status=503", times=1)
        with pytest.raises(grpc.aio.AioRpcError):
            await stack.completion.Complete(unary("Ho.", "gpt-4o"))
        async with asyncio.timeout(10):
            while (await asked(stack, "ListAlerts"))["alertCount"] < len(RULES):
                await asyncio.sleep(0.02)
        yield stack


@pytest_asyncio.fixture
async def tab() -> AsyncGenerator[Tab]:
    async with chromium.chromium() as browser:
        yield await browser.tab()


def url(stack: Stack, path: str) -> str:
    page = stack.app.listening.page
    assert page is not None
    return f"http://127.0.0.1:{page.port}/{path}"


async def asked(stack: Stack, method: str, **request: Any) -> Any:
    """What the page is told."""
    async with aiohttp.ClientSession() as session:
        parameters = {"request": json.dumps(request)}
        answer = await session.get(url(stack, f"api/{method}"), params=parameters)
        assert 200 == answer.status
        return await answer.json()


async def test_the_page_is_told_what_grpc_tells(stack: Stack) -> None:
    """The same alerts, to the last digit; a mistake is refused with its field."""
    stub: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(stack.channel)  # pyright: ignore[reportArgumentType]
    expected = await stub.ListAlerts(pb.ListAlertsRequest(limit=2))
    told = json_format.ParseDict(await asked(stack, "ListAlerts", limit=2), pb.ListAlertsResponse())
    overview = json_format.ParseDict(await asked(stack, "GetOverview"), pb.GetOverviewResponse())
    async with aiohttp.ClientSession() as session:
        refused = await session.get(
            url(stack, "api/ListAlerts"), params={"request": '{"limit": -1}'}
        )

    assert ["attempts", "own"] == [one.rule for one in expected.alerts]
    assert (list(expected.alerts), 3) == (list(told.alerts), told.alert_count)
    assert list(expected.alerts) == list(overview.firing_alerts)
    assert 400 == refused.status


@in_chromium
async def test_what_fires_is_told_first(stack: Stack, tab: Tab) -> None:
    """Above all figures, with its severity in words; its view tells what is pending, too."""
    await tab.show(url(stack, "#overview"), 1280)
    await tab.until("document.querySelector('.strip')")
    first = await tab.evaluate("document.querySelector('#view').firstElementChild.className")
    title = await tab.evaluate("document.querySelector('.strip h2').textContent")
    shown = await tab.evaluate(STRIP)
    await tab.evaluate("document.querySelector('#strip-all').click()")
    await tab.until("document.querySelector('#alerts-now')")
    rows = await tab.evaluate(ROWS % "alerts-now")

    assert ("strip bad", "2 alerts are firing") == (first, title)
    assert [
        ["critical", "attempts · provider openai · 50.0 % failed, at least 20.0 %", "just now"],
        ["warning", "own · tenant anonymous · 50.0 % failed, at least 20.0 %", "just now"],
    ] == shown
    assert [
        ["attempts provider openai", "critical", "firing", "50.0 % failed", "at least 20.0 %"],
        ["own tenant anonymous", "warning", "firing", "50.0 % failed", "at least 20.0 %"],
        ["long all together", "warning", "pending", "50.0 % failed", "at least 20.0 %"],
    ] == [row[:5] for row in rows]
    assert not await tab.evaluate("document.querySelector('#ranges').checkVisibility()")
    assert [] == tab.problems


@in_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_alerts_are_well_in_every_way(stack: Stack, tab: Tab, dark: bool) -> None:
    """Nothing is wider than the window, no text is faint, nothing is unnamed."""
    for view, there in (("overview", ".strip"), ("alerts", "#alerts-now")):
        await tab.show(url(stack, f"#{view}"), 1280, dark=dark)
        await tab.until(f"document.querySelector('{there}')")
        for width in (390, 1280):
            await tab.resize(width, 844)
            too_wide = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")

            assert 0 >= too_wide, (view, width)
        assert [] == await tab.evaluate(FAINT), view
        assert [] == await tab.evaluate(UNNAMED), view
    assert [] == tab.problems


@in_chromium
async def test_what_is_over(stack: Stack, tab: Tab) -> None:
    """It leaves the overview, and stands in its view with how it ended; nothing is watched now."""
    stack.app.alerting.evaluator.adopt((), 0.0)
    await tab.show(url(stack, "#overview"), 1280)
    await tab.until("document.querySelector('[data-figure]')")
    strips = await tab.evaluate("document.querySelectorAll('.strip').length")
    await tab.show(url(stack, "#alerts"), 1280)
    await tab.until("document.querySelector('#alerts-over')")
    rows = await tab.evaluate(ROWS % "alerts-over")
    told = await tab.evaluate("document.querySelector('#view').innerText")

    assert 0 == strips
    assert {
        ("attempts provider openai", "critical", "rule changed"),
        ("own tenant anonymous", "warning", "rule changed"),
    } == {tuple(row[:3]) for row in rows}
    assert "No rule is in force" in told


@in_chromium
async def test_names_are_text(stack: Stack, tab: Tab) -> None:
    """Whatever a subject is called, it is shown and not read as markup; many are told shortly."""
    overview = {"firingAlerts": [MODELS_ALERT] * 7, "firingAlertCount": 30}
    answer = {"alerts": [MODELS_ALERT], "alertCount": 3, "ruleCount": 1}
    script = f"""import('./views/alerts.js').then(async ({{ alerts, strip }}) => {{
      const ask = async () => ({json.dumps(answer)});
      const {{ nodes }} = await alerts.draw({{ ask, now: Date.now() }});
      const top = strip({json.dumps(overview)}, Date.parse('2026-01-31T09:42:00Z'));
      document.querySelector('#view').replaceChildren(top, ...nodes);
    }})"""
    await tab.show(url(stack, "#overview"), 1280)
    await tab.until("document.querySelector('.strip')")
    await tab.evaluate(script)
    shown = await tab.evaluate(STRIP)
    [row] = await tab.evaluate(ROWS % "alerts-over")
    more = await tab.evaluate("document.querySelector('#strip-all').textContent")
    told = await tab.evaluate("document.querySelector('#view').innerText")

    words = "r · model <img src=x> · $1.50 a minute, at least $0.50 a minute"
    assert [["warning", words, "12 min ago"]] * 5 == shown
    assert ["r model <img src=x>", "warning", "no data", "$1.50 a minute"] == row[:4]
    assert "2 min" == row[5]
    assert "25 more, and those before" == more
    assert "2 more are not shown." in told
    assert 0 == await tab.evaluate("document.querySelectorAll('#view img').length")
