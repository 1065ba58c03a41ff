"""What one replica tells, as bytes of bounded size. Pure; refuses all that is not just so.

    [number, [[provider, model, deployment, successes, faults, first_token_s, token_s,
               circuit, trip, open_s, turned_s, quota_s, quota_reason], ...]]

A change of this shape takes another key in Redis (`redis.py`): replicas of two versions share
nothing, rather than something half understood.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

import orjson

from service.domain.breaker import EJECTION_MAX_S, Circuit, Trip
from service.domain.breaker import JITTER as BREAKER_JITTER
from service.domain.peers import GONE_S, Word
from service.domain.provider import ModelRef
from service.domain.quota import JITTER as QUOTA_JITTER
from service.domain.quota import TOLD_MAX_S
from service.domain.reasons import ErrorReason

WORDS_MAX = 128
BYTES_MAX = 16 * 1024
_NUMBER_MAX = 2**53
_NAME_CHARS_MAX = 200
_COUNT_MAX = 1e6
_LATENCY_MAX_S = 3600.0
_OPEN_MAX_S = EJECTION_MAX_S * (1.0 + BREAKER_JITTER)
_QUOTA_MAX_S = TOLD_MAX_S * (1.0 + QUOTA_JITTER)
_FIELDS_COUNT = 13
E_ = TypeVar("E_", bound=Enum)


def encode(number: int, words: Iterable[Word]) -> bytes:
    """The first `WORDS_MAX` of `words`, fewer if they are too long to fit."""
    rows = [_row(word) for word in islice(filter(_may_be_told, words), WORDS_MAX)]
    blob = orjson.dumps([number, rows])
    while len(blob) > BYTES_MAX:
        del rows[len(rows) // 2 :]
        blob = orjson.dumps([number, rows])
    return blob


def decode(blob: bytes) -> tuple[int, tuple[Word, ...]]:
    """The number and the words. Raises ValueError for anything else than `encode` makes."""
    if len(blob) > BYTES_MAX:
        raise ValueError("it is too large")
    match orjson.loads(blob):
        case [int(number), list(rows)] if 0 <= number <= _NUMBER_MAX and len(rows) <= WORDS_MAX:
            words = tuple(_word(row) for row in rows)
        case _:
            raise ValueError("it is not a number with a list of words")
    if len({word.target for word in words}) < len(words):
        raise ValueError("a candidate is told of twice")
    return number, words


def _may_be_told(word: Word) -> bool:
    # Callers may make up models, with names as long as they like.
    target = word.target
    return max(map(len, (target.provider, target.model, target.deployment))) <= _NAME_CHARS_MAX


def _row(word: Word) -> list[Any]:
    target = word.target
    return [
        target.provider,
        target.model,
        target.deployment,
        _short(min(word.successes, _COUNT_MAX)),
        _short(min(word.faults, _COUNT_MAX)),
        None if word.first_token_s is None else _short(min(word.first_token_s, _LATENCY_MAX_S)),
        None if word.token_s is None else _short(min(word.token_s, _LATENCY_MAX_S)),
        word.circuit.value,
        word.trip.value if word.trip else None,
        _short(word.open_s),
        None if word.turned_s is None else _short(word.turned_s),
        _short(word.quota_s),
        word.quota_reason.value if word.quota_reason else None,
    ]


def _short(value: float) -> float:
    """Four digits are more than these numbers are known to."""
    return float(f"{value:.4g}")


def _word(row: Any) -> Word:
    if not isinstance(row, list) or len(row) != _FIELDS_COUNT:
        raise ValueError("a word has another number of fields")
    return Word(
        ModelRef(_name(row[0]), _name(row[1]), _name(row[2])),
        _number(row[3], _COUNT_MAX),
        _number(row[4], _COUNT_MAX),
        None if row[5] is None else _number(row[5], _LATENCY_MAX_S),
        None if row[6] is None else _number(row[6], _LATENCY_MAX_S),
        Circuit(row[7]),
        None if row[8] is None else Trip(row[8]),
        _number(row[9], _OPEN_MAX_S),
        None if row[10] is None else _number(row[10], GONE_S + _OPEN_MAX_S),
        _number(row[11], _QUOTA_MAX_S),
        None if row[12] is None else ErrorReason(row[12]),
    )


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _NAME_CHARS_MAX:
        raise ValueError("a name is no text, or too long")
    return value


def _number(value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= most:
        raise ValueError("a number is none, or out of its range")
    return float(value)
