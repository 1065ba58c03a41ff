"""The page over HTTP: its doors, and that it tells what gRPC tells."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc
from google.protobuf import json_format

from tests.integration.analytics_calls import by
from tests.kit.serving import unary
from tests.kit.stack import Stack, running

KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
    {"tenant": "ops", "caller": "o", "key": "ops", "permissions": ["analytics_all", "cache_admin"]},
]
TIMES = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2100-01-01T00:00:00Z"}
QUERY = {**TIMES, "groupBy": ["USAGE_DIMENSION_MODEL", "USAGE_DIMENSION_TENANT"]}
QUESTIONS: dict[str, dict[str, Any]] = {
    "QueryUsage": QUERY,
    "QueryPerformance": {"query": QUERY},
    "QueryCosts": {"query": QUERY},
    "QueryErrors": {"query": QUERY},
    "GetOverview": TIMES,
    "GetCacheStats": {"allTenants": True},
}


def settings(folder: Path) -> dict[str, str]:
    return {
        "AI_PROVIDER__ADMIN__PORT": "0",
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(folder / "ledger.sqlite"),
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
        "AI_PROVIDER__CACHE__ENABLED": "true",
    }


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack]:
    async with running(tmp_path, **settings(tmp_path)) as stack:
        yield stack


@pytest_asyncio.fixture
async def browser(stack: Stack) -> AsyncGenerator[aiohttp.ClientSession]:
    page = stack.app.listening.page
    assert page is not None
    async with aiohttp.ClientSession(f"http://127.0.0.1:{page.port}") as session:
        yield session


def key(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def traffic(stack: Stack) -> None:
    for number, (tenant, model) in enumerate(
        [("acme", "gpt-4o"), ("acme", "gpt-4o"), ("globex", "claude-sonnet-4-5")]
    ):
        if number == 2:
            stack.adversary.script("status=503", times=1)
            with pytest.raises(Exception, match="UNAVAILABLE"):
                await stack.completion.Complete(unary("Hi.", model), **by(tenant))
        await stack.completion.Complete(unary("Hi.", model), **by(tenant))


@pytest.mark.parametrize("method", QUESTIONS)
async def test_the_page_is_told_what_grpc_tells(
    stack: Stack, browser: aiohttp.ClientSession, method: str
) -> None:
    """The same question by the same key has the same answer, to the last digit."""
    await traffic(stack)
    now = time.time() + 60
    # Rates are by the time that has passed.
    stack.app.analytics._wall = lambda: now  # pyright: ignore[reportPrivateUsage]
    stub: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(stack.channel)  # pyright: ignore[reportArgumentType]
    request = getattr(pb, f"{method}Request")()
    json_format.ParseDict(QUESTIONS[method], request)
    expected = await getattr(stub, method)(request, **by("ops"))
    answer = await browser.get(
        f"/api/{method}", params={"request": json.dumps(QUESTIONS[method])}, headers=key("ops")
    )
    told = json_format.Parse(await answer.text(), type(expected)())
    for one in (expected, told):
        # What goes on between the two.
        for field in ("data_until_time", "health", "mean_hit_age"):
            if field in one.DESCRIPTOR.fields_by_name:
                one.ClearField(field)

    assert expected == told
    assert told.ByteSize() > 50


async def test_without_a_port_there_is_no_page(tmp_path: Path) -> None:
    """Off by default: nothing is read, nothing listens."""
    async with running(tmp_path) as stack:
        page = stack.app.listening.page

    assert page is None


@pytest.mark.parametrize("headers", [{}, key("unknown"), {"Authorization": "Basic YTpi"}], ids=str)
async def test_a_question_needs_a_key(
    browser: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    """Without one, or with a wrong one, nothing is told."""
    answer = await browser.get("/api/GetOverview", headers=headers)
    told = await answer.json()

    assert 401 == answer.status
    assert "Bearer" == answer.headers["WWW-Authenticate"]
    assert "API_KEY_INVALID" == told["details"][0]["reason"]


async def test_a_key_in_the_url_is_no_key(browser: aiohttp.ClientSession) -> None:
    """Keys travel in the header alone."""
    answer = await browser.get("/api/GetOverview", params={"key": "ops", "authorization": "ops"})

    assert 401 == answer.status


async def test_a_caller_sees_its_own_tenant(stack: Stack, browser: aiohttp.ClientSession) -> None:
    """The rights are those of gRPC: one tenant, or all with `analytics_all`."""
    await traffic(stack)
    told = {
        name: await (await browser.get("/api/GetOverview", headers=key(name))).json()
        for name in ("acme", "ops")
    }
    filtered = json.dumps({"filters": {"tenant": "globex"}})
    refused = await browser.get(
        "/api/GetOverview", params={"request": filtered}, headers=key("acme")
    )

    assert "2" == told["acme"]["usage"]["requests"]
    assert "4" == told["ops"]["usage"]["requests"]
    assert 403 == refused.status


async def test_every_answer_has_the_headers(browser: aiohttp.ClientSession) -> None:
    """What a browser must know stands on files, answers, refusals and pages that are not there."""
    for path, status in (
        ("/", 200),
        ("/main.js", 200),
        ("/nothing", 404),
        ("/api/QueryUsage", 401),
    ):
        answer = await browser.get(path)

        assert status == answer.status
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "no-referrer" == answer.headers["Referrer-Policy"]
        assert "ai-provider" == answer.headers["Server"]
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
async def test_the_page_is_only_read(browser: aiohttp.ClientSession, method: str) -> None:
    """No other method is answered, for files and for questions."""
    for path in ("/", "/api/GetOverview"):
        answer = await browser.request(method, path, headers=key("ops"))

        assert (405, "GET") == (answer.status, answer.headers["Allow"])


async def test_other_sites_get_nothing(browser: aiohttp.ClientSession) -> None:
    """A name that leads here without being ours is refused, and so is another site's script."""
    rebound = await browser.get("/", headers={"Host": "evil.example"})
    script = await browser.get(
        "/api/GetOverview", headers={**key("ops"), "Origin": "http://evil.example"}
    )

    assert (403, 403) == (rebound.status, script.status)


@pytest.mark.parametrize(
    "path", ["/nothing", "/static/main.js", "/../server.py", "/%2e%2e/server.py", "/api/Complete"]
)
async def test_there_is_nothing_else(browser: aiohttp.ClientSession, path: str) -> None:
    """No path leads out of the page's files, and only analytics can be asked."""
    answer = await browser.get(path, headers=key("ops"))

    assert 404 == answer.status


async def test_a_mistake_is_named(browser: aiohttp.ClientSession) -> None:
    """A question that is none is refused with its field, as over gRPC."""
    answers = [
        await browser.get("/api/GetOverview", params={"request": text}, headers=key("ops"))
        for text in ("{", '{"topp": 1}', '{"top": 1000}', "[" * 1000)
    ]
    told = await answers[2].json()

    assert [400] * 4 == [answer.status for answer in answers]
    assert "top" == told["details"][2]["fieldViolations"][0]["field"]


async def test_a_file_that_is_known_is_not_sent_again(browser: aiohttp.ClientSession) -> None:
    """Its tag is enough."""
    first = await browser.get("/style.css")
    again = await browser.get("/style.css", headers={"If-None-Match": first.headers["ETag"]})

    assert (304, b"") == (again.status, await again.read())


async def test_metrics_can_be_watched(stack: Stack, browser: aiohttp.ClientSession) -> None:
    """Each message is an event; a drain ends the stream with the reason."""
    await traffic(stack)
    request = json.dumps({"interval": "0.2s", "window": "60s"})
    answer = await browser.get("/api/WatchMetrics", params={"request": request}, headers=key("ops"))
    events = [await answer.content.readuntil(b"\n\n") for _ in range(2)]
    told = json.loads(events[-1].partition(b"data: ")[2])
    stack.app.analytics.drain()
    rest = await asyncio.wait_for(answer.content.read(), 5)

    assert "text/event-stream" == answer.headers["Content-Type"]
    assert told["requests"].keys() >= {"count", "perSecond"}
    assert b"event: failure" in rest
    assert b"SERVER_DRAINING" in rest


async def test_whoever_leaves_is_forgotten(stack: Stack, browser: aiohttp.ClientSession) -> None:
    """A browser that closes its tab ends the call, as a gRPC caller does."""
    answer = await browser.get("/api/WatchMetrics", headers=key("ops"))
    await answer.content.readuntil(b"\n\n")
    during = repr(stack.app.listening.page)
    answer.close()
    async with asyncio.timeout(5):
        while "1 open" in repr(stack.app.listening.page):
            await asyncio.sleep(0.01)

    assert "1 open" in during


async def test_the_socket_closes_with_the_service(tmp_path: Path) -> None:
    """After the end nobody listens, also where somebody still watched."""
    async with running(tmp_path, **settings(tmp_path)) as stack:
        assert stack.app.listening.page is not None
        port = stack.app.listening.page.port
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            answer = await session.get("/api/WatchMetrics", headers=key("ops"))
            await answer.content.readuntil(b"\n\n")
            await stack.app.close()

    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))
