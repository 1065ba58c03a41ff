"""Lists of models, as each family's real server tells them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.adversary import Scenario
from service.adversary.answers import Answer, family_of, models_answer
from tests.kit.asking import FAMILIES, KEYS, families

PATHS = {
    "openai": "/v1/models",
    "deepseek": "/v1/models",
    "anthropic": "/v1/models",
    "gemini": "/v1beta/models",
}


def asked(family: str, query: str = "", said: str = "", **headers: str) -> Answer:
    return models_answer(
        family,
        PATHS[family] + query,
        headers or KEYS[family],
        Scenario.parse(said),
        spent=lambda _model, _scenario: False,
    )


def body(answer: Answer) -> Any:
    return json.loads(b"".join(answer.pieces))


def test_openai() -> None:
    """OpenAI lists all models at once, each with its owner; DeepSeek without a date."""
    models = {family: body(asked(family))["data"] for family in ("openai", "deepseek")}

    assert {"id", "object", "created", "owned_by"} == set(models["openai"][0])
    assert {"id": "deepseek-chat", "object": "model", "owned_by": "deepseek"} == models["deepseek"][
        0
    ]


def test_anthropic() -> None:
    """Anthropic tells a page, its ends, and whether there are more."""
    told = body(asked("anthropic", "?limit=1"))

    assert 1 == len(told["data"])
    assert {"type", "id", "display_name", "created_at"} == set(told["data"][0])
    assert (True, told["data"][0]["id"]) == (told["has_more"], told["last_id"])


def test_gemini() -> None:
    """Gemini tells a page, and a token when there are more; too large a page is cut."""
    first, whole = body(asked("gemini", "?pageSize=1")), body(asked("gemini", "?pageSize=9999"))

    assert 1 == len(first["models"])
    assert first["models"][0]["name"].startswith("models/")
    assert "nextPageToken" in first
    assert "nextPageToken" not in whole


@pytest.mark.parametrize(
    ("family", "query"),
    [("anthropic", "?limit=0"), ("anthropic", "?limit=1001"), ("gemini", "?pageSize=x")],
)
def test_a_page_that_cannot_be(family: str, query: str) -> None:
    """A page's size that is none is refused."""
    assert 400 == asked(family, query).status


@families
def test_keys(family: str) -> None:
    """Without a key there is no list; Anthropic wants its version, too."""
    assert 400 <= asked(family, host="x").status <= 401
    assert 200 == asked(family).status
    assert 400 == asked("anthropic", **{"x-api-key": "k"}).status


@families
def test_directed(family: str) -> None:
    """Scripts and headers direct a list as they direct an answer."""
    refused = asked(family, said="status=429; retry-after=3")
    slow = asked(family, said="latency=200ms; hang=body")

    assert (429, "3") == (refused.status, refused.headers["retry-after"])
    assert "error" in body(refused)
    assert (0.2, "body") == (slow.scenario.latency, slow.scenario.hang)
    assert "text/html" == asked(family, said="content-type=text/html").content_type
    assert [] == list(asked(family, said="empty").pieces)


@families
def test_the_first_few(family: str) -> None:
    """`first=N` ends the fault after N requests."""
    told = models_answer(
        family,
        PATHS[family],
        KEYS[family],
        Scenario.parse("status=503; first=2"),
        spent=lambda name, _scenario: name == "models",
    )

    assert 200 == told.status


@families
def test_nothing_else_is_there(family: str) -> None:
    """Any other GET is told as not found, in the family's own words."""
    told = models_answer(
        family, "/v1/files", KEYS[family], Scenario(), spent=lambda _model, _scenario: False
    )

    assert 404 == told.status
    assert "error" in body(told)


def test_a_shared_path() -> None:
    """Two families have their lists at one path: Anthropic's version tells them apart."""
    assert ("openai", "/v1/models") == family_of("/v1/models")
    assert ("anthropic", "/v1/models") == family_of("/v1/models", KEYS["anthropic"])
    assert set(FAMILIES) == set(PATHS)
