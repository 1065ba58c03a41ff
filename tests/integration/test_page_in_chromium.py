"""The page as a real browser shows it. Left out where no Chromium is on PATH."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.analytics_calls import by
from tests.kit import chromium
from tests.kit.accessibility import FAINT, UNNAMED
from tests.kit.chromium import Chromium, Tab
from tests.kit.serving import streaming, unary
from tests.kit.stack import Stack, running

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        chromium.path() is None,
        reason="no Chromium on PATH (Debian: apt-get install chromium-headless-shell)",
    ),
]
VIEWS = ("overview", "alerts", "providers", "costs", "latency", "errors", "cache", "live")
WIDTHS = (390, 1280)
KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
    {"tenant": "ops", "caller": "o", "key": "ops", "permissions": ["analytics_all", "cache_admin"]},
]
MODELS = ("gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash", "deepseek-chat")
SHOWN = """document.querySelector('#tabs [aria-current]')?.hash === '#%s'
  && !document.querySelector('.ghosts') && document.querySelector('#view > *') !== null"""
FIGURES = """Object.fromEntries([...document.querySelectorAll('[data-figure]')]
  .map((one) => [one.dataset.figure, one.textContent]))"""
ROWS = """[...document.querySelectorAll('#%s tbody tr')]
  .map((row) => [...row.cells].map((cell) => cell.textContent))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Chromium]:
    async with chromium.chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    folder = tmp_path_factory.mktemp("page")
    async with running(folder, **settings(folder)) as stack:
        await traffic(stack)
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Chromium) -> Tab:
    """A tab that has the operators' key."""
    tab = await browser.tab()
    script = "sessionStorage.setItem('key', 'ops'); sessionStorage.setItem('range', '1h')"
    await tab.send("Page.addScriptToEvaluateOnNewDocument", source=script)
    return tab


def settings(folder: Path) -> dict[str, str]:
    return {
        "AI_PROVIDER__ADMIN__PORT": "0",
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(folder / "ledger.sqlite"),
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
        "AI_PROVIDER__CACHE__ENABLED": "true",
        "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "2",
        "AI_PROVIDER__ROUTING__FALLBACKS": '{"gpt-4o": ["claude-sonnet-4-5"]}',
    }


async def traffic(stack: Stack) -> None:
    """Answers, hits, streams, a failover, and a failure."""
    for number in range(12):
        tenant, model = ("acme", "globex")[number % 2], MODELS[number % 4]
        await stack.completion.Complete(unary(f"Text {number % 9}", model), **by(tenant))
        async for _ in stack.completion.StreamComplete(
            streaming(f"Say {number}", model), **by(tenant)
        ):
            pass
    stack.adversary.script("status=503", "openai", times=1)
    await stack.completion.Complete(unary("Over", "gpt-4o"), **by("acme"))
    stack.adversary.script("status=400", times=1)
    with pytest.raises(Exception, match="INVALID"):
        await stack.completion.Complete(unary("Wrong", "deepseek-chat"), **by("acme"))


def enter(key: str) -> str:
    """A script that does what a person does."""
    return f"document.querySelector('#key').value = '{key}'; document.forms[0].requestSubmit()"


def url(stack: Stack, view: str = "overview") -> str:
    assert stack.app.listening.page is not None
    return f"http://127.0.0.1:{stack.app.listening.page.port}/#{view}"


async def asked(stack: Stack, method: str, key: str = "ops", **request: Any) -> Any:
    """What the API tells."""
    assert stack.app.listening.page is not None
    where = f"http://127.0.0.1:{stack.app.listening.page.port}/api/{method}"
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.get(where, params={"request": json.dumps(request)})
        return await answer.json()


def usd(nano: str) -> str:
    """As the page says it, by other means than it does."""
    whole, rest = divmod(int(nano), 10**9)
    digits = f"{rest:09d}".rstrip("0")
    return f"${whole:,}.{digits:0<2}"


async def test_it_shows_what_the_api_tells(stack: Stack, tab: Tab) -> None:
    """Counts and money on the page are those of the API, to the last nano-USD."""
    model = {"groupBy": ["USAGE_DIMENSION_MODEL"]}
    overview = await asked(stack, "GetOverview")
    costs = await asked(stack, "QueryCosts", query=model)
    await tab.show(url(stack), 1280)
    await tab.until("document.querySelector('[data-figure]')")
    shown = await tab.evaluate(FIGURES)
    await tab.show(url(stack, "costs"), 1280)
    await tab.until("document.querySelector('#costs-by-model')")
    figures = await tab.evaluate(FIGURES)
    rows = await tab.evaluate(ROWS % "costs-by-model")

    assert 26 <= int(overview["usage"]["requests"])
    assert overview["usage"]["requests"] == shown["requests"]
    assert usd(overview["costs"]["cost"]["totalNanoUsd"]) == shown["cost"]
    assert usd(overview["costs"]["savings"]["cacheNanoUsd"]) == shown["saved"]
    assert usd(costs["total"]["cost"]["totalNanoUsd"]) == figures["total"]
    assert usd(costs["total"]["nanoUsdPerRequest"]) == figures["per-request"]
    assert [one["dimensions"]["model"] for one in costs["buckets"]] == [row[0] for row in rows]
    assert [one["requests"] for one in costs["buckets"]] == [row[3] for row in rows]
    told = {row[0]: int(row[1].replace("$", "").replace(".", "").ljust(10, "0")) for row in rows}
    assert {
        one["dimensions"]["model"]: int(one["cost"]["totalNanoUsd"]) for one in costs["buckets"]
    } == told


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_view_is_well_in_every_way(stack: Stack, tab: Tab, dark: bool) -> None:
    """No error, no other host, nothing wider than the window, no faint text, nothing unnamed."""
    for view in VIEWS:
        await tab.show(url(stack, view), 1280, dark=dark)
        await tab.until(SHOWN % view)
        for width in WIDTHS:
            await tab.resize(width, 844)
            too_wide = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")

            assert 0 >= too_wide, (view, width)
        assert [] == await tab.evaluate(FAINT), view
        assert [] == await tab.evaluate(UNNAMED), view
        assert 1 == await tab.evaluate("document.querySelectorAll('h1').length")
    assert [] == tab.problems
    assert all(one.startswith(url(stack, "")[:-1]) for one in tab.requests)


async def test_live_figures_move(stack: Stack, tab: Tab) -> None:
    """Requests are seen within seconds of their end."""
    await tab.show(url(stack, "live"), 1280)
    await tab.until("document.querySelector('[data-figure=rate]')")
    for number in range(3):
        await stack.completion.Complete(unary(f"Live {number}"[:6], "gpt-4o"), **by("acme"))
    await tab.until("document.querySelector('[data-figure=rate]').textContent !== '0 /s'")

    assert [] == tab.problems


async def test_a_key_is_asked_for_and_stays_in_the_tab(browser: Chromium, stack: Stack) -> None:
    """A wrong key is refused with the reason; the right one is in no URL, and can be forgotten."""
    tab = await browser.tab()
    await tab.show(url(stack), 390)
    await tab.until("document.querySelector('#key')")
    await tab.evaluate(enter("wrong"))
    await tab.until("document.querySelector('.wrong')")
    why = await tab.evaluate("document.querySelector('.wrong').textContent")
    await tab.evaluate(enter("acme"))
    await tab.until("document.querySelector('[data-figure]')")
    shown = await tab.evaluate(FIGURES)
    told = await asked(stack, "GetOverview", "acme")
    kept = await tab.evaluate("[sessionStorage.key, localStorage.length, document.cookie]")
    await tab.evaluate("document.querySelector('#leave').click()")
    await tab.until("document.querySelector('#key')")

    assert "the API key is unknown" == why
    assert told["usage"]["requests"] == shown["requests"]
    assert 14 <= int(shown["requests"])
    assert [0, ""] == kept[1:]
    assert not any("acme" in one or "wrong" in one for one in tab.requests)
    assert await tab.evaluate("sessionStorage.getItem('key') === null")


async def test_it_is_used_by_keyboard(stack: Stack, tab: Tab) -> None:
    """Columns are sorted and charts are read without a mouse."""
    await tab.show(url(stack), 1280)
    await tab.until("document.querySelector('#sort-top-model-1')")
    await tab.evaluate("document.querySelector('#sort-top-model-0').focus()")
    await tab.press("Enter")
    await tab.until("document.activeElement.id === 'sort-top-model-0'")
    order = await tab.evaluate("document.querySelector('#top-model th[aria-sort]').ariaSort")
    names = [row[0] for row in await tab.evaluate(ROWS % "top-model")]
    await tab.evaluate("document.querySelector('#plot-requests').focus()")
    await tab.press("End")
    await tab.until("document.querySelector('#chart-requests .pointer').checkVisibility()")
    pointed = await tab.evaluate(
        "document.querySelector('#chart-requests .pointer dd').textContent"
    )

    assert ("ascending", sorted(names)) == (order, names)
    assert pointed.isdigit()


async def test_money_is_never_rounded(stack: Stack, tab: Tab) -> None:
    """The largest amounts that the contract can say keep every digit."""
    await tab.show(url(stack), 1280)
    amounts = ["0", "1", "1234500000", "9007199254740993", "9223372036854775807", "-1500000001"]
    texts = f"{json.dumps(amounts)}.map((text) => one.money(BigInt(text)))"
    script = f"import('./figures.js').then((one) => {texts})"
    await tab.until("document.readyState === 'complete'")

    assert [
        "$0.00",
        "$0.000000001",
        "$1.2345",
        "$9,007,199.254740993",
        "$9,223,372,036.854775807",
        "\N{MINUS SIGN}$1.500000001",
    ] == await tab.evaluate(script)


async def test_what_was_shown_stays_when_the_service_is_gone(
    browser: Chromium, tmp_path: Path
) -> None:
    """The page says so, keeps its figures, and asks again by itself."""
    tab = await browser.tab()
    async with running(tmp_path, AI_PROVIDER__ADMIN__PORT="0", **ledger(tmp_path)) as stack:
        await tab.show(url(stack), 1280)
        await tab.until("document.querySelector('.empty')")
        port = stack.app.listening.page.port if stack.app.listening.page else 0
    await tab.evaluate("document.querySelector('#refresh').click()")
    await tab.until("document.querySelector('.alert')")
    gone = await tab.evaluate("document.querySelector('#notice').innerText")
    kept = await tab.evaluate("document.querySelector('#view .empty') !== null")
    again = {**ledger(tmp_path), "AI_PROVIDER__ADMIN__PORT": str(port)}
    async with running(tmp_path, **again):
        await tab.until("!document.querySelector('.alert')")

    assert "cannot be reached" in gone
    assert kept


def ledger(folder: Path) -> dict[str, str]:
    return {
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(folder / "ledger.sqlite"),
    }
