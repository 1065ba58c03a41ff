"""How the adversary is directed: by a name, a header, a script, over HTTP; and which one wins."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from tests.kit import asking
from tests.kit.asking import FAMILIES, families
from tests.kit.wire import Client, talking


@pytest.fixture
async def client() -> AsyncGenerator[Client, None]:
    async with talking() as client:
        yield client


async def statuses(client: Client, count: int, *asked: Any, **more: Any) -> Sequence[int]:
    return [(await client.ask(*asked, **more))[0].status for _ in range(count)]


async def control(client: Client, word: str, body: object = None) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{client.adversary.port}/_adversary/{word}"
    async with client.session.post(url, json=body) as response:
        return response.status, await response.json()


@families
async def test_first(client: Client, family: str) -> None:
    """Only the first N requests of a model meet its fault; each model has its own count."""
    assert [503, 503, 200] == await statuses(client, 3, family, "+status=503+first=2")
    assert [500, 200] == await statuses(client, 2, family, "+status=500+first=1")

    client.adversary.clear()

    assert [503, 503, 200] == await statuses(client, 3, family, "+status=503+first=2")


@families
async def test_first_of_a_good_status(client: Client, family: str) -> None:
    """A fault in the bytes of a 200 ends with the first N requests as well."""
    bodies = [(await client.ask(family, "+empty+first=1"))[1] for _ in range(3)]

    assert [True, False, False] == [body == b"" for body in bodies]


async def test_a_script(client: Client) -> None:
    """Scripts lie over the next requests, so many each, in their order; then all is well."""
    client.adversary.script("status=503", times=2)
    client.adversary.script("status=429")

    assert [503, 503, 429, 429] == await statuses(client, 4)

    client.adversary.clear()

    assert [200] == await statuses(client, 1)


async def test_a_script_of_one_family(client: Client) -> None:
    """A family's script leaves the others alone."""
    client.adversary.script("status=503", family="gemini", times=1)

    assert [200, 503, 200] == [
        (await client.ask(family))[0].status for family in ("openai", "gemini", "gemini")
    ]


async def test_precedence(client: Client) -> None:
    """The header wins over the script, and the script over the model's name."""
    client.adversary.script("status=502; retry-after=2")

    response, _ = await client.ask("openai", "+status=501+retry-after=1")
    assert (502, "2") == (response.status, response.headers["retry-after"])

    response, _ = await client.ask("openai", "+status=501", said="status=503")
    assert (503, "2") == (response.status, response.headers["retry-after"])


async def test_what_cannot_be_directed(client: Client) -> None:
    """An unknown directive is an error that names it, wherever it is said."""
    with pytest.raises(ValueError, match="unknown directive 'staus'; known: status"):
        client.adversary.script("staus=503")
    in_header, header_body = await client.ask(said="staus=503")
    in_name, name_body = await client.ask("anthropic", "+hang=tail")

    assert (400, 400) == (in_header.status, in_name.status)
    assert b"unknown directive 'staus'; known: status" in header_body
    assert b"'hang': must be one of headers, first-token, body" in name_body
    assert [200] == await statuses(client, 1)


async def test_directing_over_http(client: Client) -> None:
    """What the object does, a client in another process does over HTTP, and leaves no record."""
    wish = {"scenario": "status=503", "family": None, "times": 1}

    assert (200, {}) == await control(client, "script", wish)
    assert [503, 200] == await statuses(client, 2, "gemini")
    _, told = await control(client, "requests")
    assert ["gemini"] * 2 == [request["family"] for request in told]
    assert asking.body("gemini") == json.loads(told[0]["body"])
    assert 2 == len(client.adversary.requests)
    assert (200, {}) == await control(client, "clear")
    assert (200, []) == await control(client, "requests")


@pytest.mark.parametrize(
    ("word", "body", "status"),
    [
        ("script", {"scenario": "staus=503"}, 400),
        ("script", {"scenario": None}, 400),
        ("script", {"scenario": "status=503", "times": "often"}, 400),
        ("script", ["status=503"], 400),
        ("nothing", None, 404),
    ],
)
async def test_what_cannot_be_directed_over_http(
    client: Client, word: str, body: Any, status: int
) -> None:
    """A wish that cannot be read is refused with an error, and spoils no later request."""
    refused, told = await control(client, word, body)

    assert (status, ["error"]) == (refused, list(told))
    assert [200] == await statuses(client, 1)


async def test_an_answer_that_is_known_needs_its_key_again(client: Client) -> None:
    """The same request without the key is refused, though its answer has been given before."""
    for family in FAMILIES:
        url = client.adversary.url(family) + asking.path(family)
        await client.ask(family)
        async with client.session.post(url, json=asking.body(family)) as response:
            assert (family, True) == (family, response.status in (400, 401))
