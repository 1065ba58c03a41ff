"""The whole service keeps a ledger where its configuration says, and loses nothing when it ends."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import structlog

from service.accounting import ledger_file
from service.config import load
from service.domain.rollup import Count, Dimension, LedgerQuery
from service.domain.rollup_plan import Retention
from service.ledger.book import Book
from service.ledger.recorder import Recorder
from service.ledger.sqlite import SqliteStore
from service.ports import LedgerUnavailable
from tests.kit.redis import redis_server
from tests.kit.serving import unary
from tests.kit.stack import MODELS, Stack, environment, running

STORE, FILE = "AI_PROVIDER__ANALYTICS__STORE", "AI_PROVIDER__ANALYTICS__FILE"
MODEL = MODELS["openai"]
BY_STATUS = (Dimension.STATUS,)


def today() -> LedgerQuery:
    return LedgerQuery(time.time() - 3600, time.time() + 1, group_by=BY_STATUS)


async def found(book: Book) -> dict[str, tuple[int, int]]:
    """Requests and attempts by status."""
    answer = await book.query(today())
    return {
        cell.values[0]: (cell.rollup[Count.REQUESTS], cell.rollup[Count.ATTEMPTS])
        for cell in answer.cells
    }


async def ask(stack: Stack, count: int) -> None:
    for _ in range(count):
        await stack.completion.Complete(unary(model=MODEL))


async def test_what_was_served_is_in_the_ledger(tmp_path: Path) -> None:
    """At once for who asks, and still there when the service has ended."""
    file = tmp_path / "state" / "ledger.sqlite3"
    async with running(tmp_path, **{STORE: "sqlite", FILE: str(file)}) as stack:
        await ask(stack, 2)

        assert {"OK": (2, 0), "ok": (0, 2)} == await found(stack.app.accounting.book)
        await ask(stack, 1)

    book = Book(Recorder())
    await book.adopt(SqliteStore(file, Retention()))
    assert {"OK": (3, 0), "ok": (0, 3)} == await found(book)
    await book.aclose()


async def test_a_reload_moves_the_ledger(tmp_path: Path) -> None:
    """What came before stays where it was; a store that is off keeps nothing."""
    with redis_server(tmp_path) as redis:
        places = (
            {STORE: "sqlite", FILE: str(tmp_path / "a.sqlite3")},
            {STORE: "redis", "REDIS_URL": redis.url},
            {STORE: "off"},
            {STORE: "redis", "AI_PROVIDER__ANALYTICS__REDIS_URL": redis.url},
        )
        async with running(tmp_path, **places[0]) as stack:
            told: list[dict[str, tuple[int, int]] | str] = []
            for count, place in enumerate(places, 1):
                variables = {**environment(stack.adversary), **place}
                await stack.app.reload(
                    load(variables, directory=tmp_path, secrets_dir=tmp_path / "none")
                )
                await ask(stack, count)
                await asyncio.to_thread(stack.app.journal.flush)
                try:
                    told.append(await found(stack.app.accounting.book))
                except LedgerUnavailable as unavailable:
                    told.append(str(unavailable))

    assert [
        {"OK": (1, 0), "ok": (0, 1)},
        {"OK": (2, 0), "ok": (0, 2)},
        "no ledger is kept: analytics.store is off",
        {"OK": (6, 0), "ok": (0, 6)},
    ] == told


async def test_calls_are_answered_though_nothing_can_be_kept(tmp_path: Path) -> None:
    """The log says so; callers do not notice."""
    (tmp_path / "state").write_text("a file, and no folder")
    where = str(tmp_path / "state" / "ledger.sqlite3")
    with structlog.testing.capture_logs() as lines:
        async with running(tmp_path, **{STORE: "sqlite", FILE: where}) as stack:
            await ask(stack, 1)
            with pytest.raises(LedgerUnavailable, match="state"):
                await found(stack.app.accounting.book)
            await ask(stack, 1)

    events = [line["event"] for line in lines if "ledger" in line["event"]]
    assert ["the ledger takes nothing", "the last sums of the ledger are lost"] == events


@pytest.mark.parametrize(
    ("surroundings", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "HOME": "/h"}, "/var/lib/a"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/ai-provider"),
        ({"HOME": "/h"}, "/h/.local/state/ai-provider"),
        ({}, "/var/lib/ai-provider"),
    ],
)
def test_where_it_is_kept_when_nobody_says(surroundings: dict[str, str], expected: str) -> None:
    """Where the system keeps the state of services, else of users."""
    assert Path(expected) / "ledger.sqlite3" == ledger_file(surroundings)
