"""How the adversary's answers end: silence, cuts at a byte, framing. Every byte is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from service.adversary import Adversary
from tests.kit.asking import FAMILIES, answered, in_name, streams
from tests.kit.wire import wire

SILENCE_S = 0.03


@pytest.fixture
async def adversary() -> AsyncGenerator[Adversary, None]:
    async with Adversary() as adversary:
        yield adversary


@pytest.mark.parametrize(
    ("family", "stream"), [*((family, True) for family in FAMILIES), ("openai", False)]
)
@pytest.mark.parametrize(
    ("directives", "place"),
    [
        ("hang=first-token", "0 events"),
        ("hang=body", "0.5 events"),
        ("stall-after=0", "0 events"),
        ("stall-after=3", "3 events"),
        ("cut=0", "0 bytes"),
        ("cut=40", "40 bytes"),
        ("cut=40; framing=length", "40 bytes"),
        ("cut=40; framing=close", "40 bytes"),
        ("cut=40; cut-mode=rst", "40 bytes"),
        ("cut-event=0", "0 events"),
        ("cut-event=4", "4 events"),
        ("cut-event=4; cut-mode=rst", "4 events"),
    ],
)
async def test_ends(
    adversary: Adversary, family: str, stream: bool, directives: str, place: str
) -> None:
    """Silence and cuts come at their place, with the connection open, closed or reset."""
    pieces = answered(family, in_name(directives), stream=stream).pieces
    expected = before(place, pieces)
    # A whole answer is one piece: what is to happen after more of them never does.
    is_whole = expected == b"".join(pieces)
    ending = "open" if is_whole else ending_of(directives)
    async with wire(adversary, family, in_name(directives), stream=stream) as line:
        await line.until(ending, len(expected))
        await asyncio.sleep(SILENCE_S if ending == "open" else 0)

        assert (expected, ending) == (line.body, line.ending)
        assert (is_whole or "framing=close" in directives) == line.is_whole
        assert line.head.startswith("http/1.1 200 ok\r\n")


def before(place: str, pieces: Sequence[bytes]) -> bytes:
    count, _, unit = place.partition(" ")
    if unit == "bytes":
        return b"".join(pieces)[: int(count)]
    if count == "0.5":
        return pieces[0][: len(pieces[0]) // 2]
    return b"".join(pieces[: int(count)])


def ending_of(directives: str) -> str:
    if "cut" not in directives:
        return "open"
    return "reset" if "rst" in directives else "closed"


async def test_hang_headers(adversary: Adversary) -> None:
    """`hang=headers` sends nothing at all, and keeps the connection."""
    async with wire(adversary, "openai", "+hang=headers") as line:
        await asyncio.sleep(SILENCE_S)

        assert (b"", "open") == (bytes(line.received), line.ending)
        assert 1 == adversary.open_connection_count
    await adversary.wait_hangups(1)


@streams
@pytest.mark.parametrize(
    ("framing", "header", "ending"),
    [
        ("chunked", "transfer-encoding: chunked", "open"),
        ("length", "content-length: {}", "open"),
        ("close", "connection: close", "closed"),
    ],
)
async def test_framing(
    adversary: Adversary, stream: bool, framing: str, header: str, ending: str
) -> None:
    """The body is framed as told, whole, and only `close` ends the connection."""
    expected = b"".join(answered("openai", stream=stream).pieces)
    async with wire(adversary, "openai", f"+framing={framing}", stream=stream) as line:
        await line.until(ending, len(expected))

        assert header.format(len(expected)) in line.head
        assert (expected, ending, True) == (line.body, line.ending, line.is_whole)
        assert 1 == sum(name in line.head for name in ("chunked", "content-length", "connection"))
