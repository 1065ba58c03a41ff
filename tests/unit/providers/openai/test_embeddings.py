"""Embeddings of the family."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall
from service.domain.reasons import ErrorReason
from service.providers.openai import OpenAI


def vectors(*rows: Any, **fields: Any) -> Any:
    return OpenAI().embeddings(
        orjson.dumps({"data": list(rows), **fields}), EmbeddingCall("m", ("a", "b"))
    )


def test_embeddings() -> None:
    """Vectors come in the order of the inputs, whatever order the provider sends."""
    embeddings = vectors(
        {"index": 1, "embedding": [2, 0.5]},
        {"index": 0, "embedding": [1.0, 0.5]},
        usage={"prompt_tokens": 4, "total_tokens": 4},
        model="m-1",
    )

    assert ([1.0, 0.5], [2, 0.5]) == embeddings.vectors
    assert (Usage(4), "m-1") == (embeddings.usage, embeddings.provider_model)


@pytest.mark.parametrize(
    "rows",
    [
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": []}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": ["1"]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [1.0]}],
        [1, 2],
    ],
)
def test_wrong_embeddings(rows: list[Any]) -> None:
    """One vector of numbers for each input, or a failure."""
    with pytest.raises(ProviderFailure) as caught:
        vectors(*rows)

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason
