"""Webhooks at a real receiver: signed, in order, retried, bounded, and never waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import structlog

from service.alerts.notice import Notice, Origin
from service.alerts.telling import Telling
from service.alerts.webhooks import (
    QUEUE_MAX,
    RETRY_AFTER_MAX_S,
    Webhook,
    WebhookTerms,
    retry_after_s,
)
from service.domain.alert_rules import ALL, ErrorRate, Limits
from service.domain.alerts import Alert, Reading, Standing, Why
from tests.kit.receiver import SECRET, Receiver

REFUSED = "http://127.0.0.1:9/hook"
RULE = ErrorRate("errors", Limits(0.2, 0.1))


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver, None]:
    async with Receiver() as receiver:
        yield receiver


def notice(number: int, rule: str = "errors") -> Notice:
    return Notice(f"id.{number}", rule, b'{"number": %d}' % number)


def terms(url: str, **given: Any) -> WebhookTerms:
    usual: dict[str, Any] = {"pause_s": 0.01}
    return WebhookTerms("oncall", url, SECRET, **usual | given)


@asynccontextmanager
async def delivering(terms: WebhookTerms, within_s: float = 1.0) -> AsyncGenerator[Webhook, None]:
    """A webhook at work. In the end it is closed within so long."""
    async with aiohttp.ClientSession() as session:
        webhook = Webhook(terms, session)
        task = asyncio.create_task(webhook.run())
        try:
            yield webhook
        finally:
            await webhook.close(task, within_s)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


def numbers(bodies: list[Mapping[str, Any]]) -> list[int]:
    return [body["number"] for body in bodies]


async def test_it_is_signed(receiver: Receiver) -> None:
    """The receiver finds the signature right, and the id and the second in the headers."""
    async with delivering(terms(receiver.url)) as webhook:
        webhook.put(notice(1))
        await receiver.came(1)

    [taken] = receiver.requests
    assert 204 == taken.status
    assert ("id.1", "application/json") == (
        taken.headers["webhook-id"],
        taken.headers["Content-Type"],
    )


async def test_another_secret_is_found_out(receiver: Receiver) -> None:
    """A message that was signed with another secret is refused, and not tried again."""
    other = WebhookTerms("oncall", receiver.url, "another-secret-of-32-characters!", pause_s=0.01)
    async with delivering(other) as webhook:
        webhook.put(notice(1))
        await until(lambda: webhook.dropped_count == 1)

    assert [401] == [taken.status for taken in receiver.requests]


async def test_it_is_tried_again(receiver: Receiver) -> None:
    """After a 500, a 429 or silence the same message is sent again, under the same id."""
    receiver.plan = [500, 429, None, 200]
    async with delivering(terms(receiver.url, timeout_s=0.2)) as webhook:
        webhook.put(notice(1))
        await receiver.came(4)

    assert ["id.1"] * 4 == [taken.headers["webhook-id"] for taken in receiver.requests]
    assert [1] == numbers(receiver.delivered)
    assert 0 == webhook.dropped_count


async def test_the_order_is_kept(receiver: Receiver) -> None:
    """What comes later waits until what came first is delivered."""
    receiver.plan = [500, 503, 200, 200, 500]
    async with delivering(terms(receiver.url)) as webhook:
        for number in range(1, 6):
            webhook.put(notice(number))
        await receiver.came(8)

    assert [1, 2, 3, 4, 5] == numbers(receiver.delivered)


async def test_retry_after_is_heeded(receiver: Receiver) -> None:
    """A receiver that asks for a pause gets it, whoever's turn it is."""
    receiver.plan = [(503, {"retry-after": "1"}), 200]
    async with delivering(terms(receiver.url)) as webhook:
        webhook.put(notice(1))
        await receiver.came(2)

    first, second = receiver.requests
    assert second.at - first.at >= 1.0


async def test_a_longer_pause_than_it_is_tried_gives_up(receiver: Receiver) -> None:
    """A pause beyond `retry_s` is heeded, too: the message is given up, and the next one not
    sent before its time. The log says so, once.
    """
    receiver.plan = [(429, {"retry-after": "3600"})]
    with structlog.testing.capture_logs() as lines:
        async with delivering(terms(receiver.url, retry_s=60.0)) as webhook:
            webhook.put(notice(1))
            webhook.put(notice(2))
            await until(lambda: webhook.dropped_count == 2)

    assert 1 == len(receiver.requests)
    told = [line["error"] for line in lines if line["event"] == "a webhook takes no alerts"]
    assert ["HTTP 429"] == told


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, None),
        ("soon", None),
        ("0", 0.0),
        ("90", 90.0),
        ("31536000", RETRY_AFTER_MAX_S),
        ("9" * 400, RETRY_AFTER_MAX_S),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX_S),
    ],
)
def test_how_long_a_receiver_may_ask_for(said: str | None, expected: float | None) -> None:
    """Seconds or a date, but no more than an hour: a mistake would keep alerts away for ever."""
    assert expected == retry_after_s(said, now=100.0)


@pytest.mark.parametrize("status", [400, 410, 302])
async def test_a_refusal_is_final(receiver: Receiver, status: int) -> None:
    """What the receiver refuses, or sends elsewhere, is not sent again; the next one is."""
    receiver.plan = [(status, {"location": receiver.url})]
    async with delivering(terms(receiver.url)) as webhook:
        webhook.put(notice(1))
        webhook.put(notice(2))
        await receiver.came(2)
        await until(lambda: len(receiver.delivered) == 1)

    assert [2] == numbers(receiver.delivered)
    assert 1 == webhook.dropped_count


async def test_the_rules_that_it_names(receiver: Receiver) -> None:
    """A webhook that names rules is told of no others."""
    async with delivering(terms(receiver.url, rules=frozenset({"budget"}))) as webhook:
        webhook.put(notice(1))
        webhook.put(notice(2, "budget"))
        await receiver.came(1)

    assert [2] == numbers(receiver.delivered)


async def test_a_dead_receiver() -> None:
    """It is told in the log once, without its URL; and once when it takes alerts again."""
    receiver = Receiver()
    await receiver.start()
    await receiver.stop()
    with structlog.testing.capture_logs() as lines:
        async with delivering(terms(receiver.url)) as webhook:
            webhook.put(notice(1))
            await until(lambda: "dead" in repr(webhook))
            await asyncio.sleep(0.1)
            await receiver.start()
            await receiver.came(1)
            await until(lambda: "well" in repr(webhook))
    await receiver.stop()

    told = [line for line in lines if line["log_level"] != "debug"]
    assert [
        ("warning", "a webhook takes no alerts"),
        ("info", "a webhook takes alerts again"),
    ] == [(line["log_level"], line["event"]) for line in told]
    assert receiver.url not in str(lines)
    assert [1] == numbers(receiver.delivered)


async def test_a_full_queue() -> None:
    """Nobody waits for a dead receiver: the oldest message makes room, and is counted."""
    async with delivering(terms(REFUSED, pause_s=60.0), within_s=0.0) as webhook:
        began = time.monotonic()
        for number in range(QUEUE_MAX + 10):
            webhook.put(notice(number))
        took_s = time.monotonic() - began

        assert 10 == webhook.dropped_count
    assert took_s < 0.1
    assert QUEUE_MAX + 10 == webhook.dropped_count


async def test_the_end_tries_once_more(receiver: Receiver) -> None:
    """What waits when the process ends is tried at once, pause or no pause."""
    receiver.plan = [500]
    async with delivering(terms(receiver.url, pause_s=60.0)) as webhook:
        webhook.put(notice(1))
        await receiver.came(1)
        webhook.put(notice(2))

    assert [1, 2] == numbers(receiver.delivered)


async def test_the_end_does_not_wait_for_the_silent(receiver: Receiver) -> None:
    """A receiver that says nothing keeps nobody from ending; what it missed is counted."""
    receiver.plan = [None]
    async with delivering(terms(receiver.url, timeout_s=30.0), within_s=0.1) as webhook:
        webhook.put(notice(1))
        webhook.put(notice(2))
        await receiver.came(1)
        began = time.monotonic()

    assert time.monotonic() - began < 1.0
    assert 2 == webhook.dropped_count


def alert(why: Why, number: int) -> Alert:
    return Alert(
        RULE, ALL, why, Standing(told_count=number, reading=Reading(0.5, RULE.limits)), 0.0
    )


async def test_a_reload_of_webhooks(receiver: Receiver) -> None:
    """One that stays keeps what waits for it, also at another place; one that goes is told what
    is left.
    """
    telling = Telling(Origin("s", "e", "r", "1"))
    telling.adopt([terms(REFUSED), WebhookTerms("gone", receiver.url, SECRET)])
    with structlog.testing.capture_logs() as lines:
        telling.tell(alert(Why.FIRED, 1))
        telling.adopt([terms(receiver.url)])
        telling.tell(alert(Why.RECOVERED, 2))
        await receiver.came(3)
        await telling.aclose(1.0)

    told = [(body["state"], body["number"]) for body in receiver.delivered]
    assert [("firing", 1), ("firing", 1), ("resolved", 2)] == sorted(told)
    assert [("warning", "alert firing"), ("info", "alert resolved")] == [
        (line["log_level"], line["event"]) for line in lines if line["event"].startswith("alert ")
    ]
