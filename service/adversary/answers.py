"""From a request and its scenario to bytes: the status, the headers, the pieces of the body."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from service.adversary import anthropic, gemini, openai
from service.adversary.listing import listing
from service.adversary.reply import Ask, reply_to
from service.adversary.scenario import Scenario

_BOMB_BYTES = 1_000_000_000
_BLOCK_BYTES = 10_000_000
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_OK = 200
_JSON = "application/json"
_SSE = "text/event-stream"
_HEADER_BOMB = {"x-bomb": "b" * 1_000_000}
_AUTH = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}


@dataclass(slots=True)
class Answer:
    """`pieces` are sent one by one; `scenario` says how."""

    status: int
    pieces: Sequence[bytes]
    scenario: Scenario
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict[str, str])
    stream: bool = False
    endless: Iterator[bytes] | None = None


def family_of(path: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[str, str]:
    """The family that a path is served by, and the rest of the path."""
    first, _, rest = path.removeprefix("/").partition("/")
    if first in ("openai", "anthropic", "gemini", "deepseek"):
        return first, f"/{rest}"
    if path.startswith("/v1beta/"):
        return "gemini", path
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return "anthropic", path
    return "openai", path


def answer(
    family: str,
    path: str,
    headers: Mapping[str, str],
    body: Any,
    laid_over: Scenario,
    *,
    spent: Callable[[str, Scenario], bool],
) -> Answer:
    """`laid_over` is what the header and the script say; the model's name may say more.

    `spent` is asked whether a model has met its fault often enough.
    """
    fmt = _format(family)
    try:
        model, operation = _target(path, body)
        name, in_model = Scenario.of_model(model)
        scenario = laid_over.over(in_model)
        if scenario.first and spent(model, scenario):
            scenario = Scenario()
    except ValueError as error:
        return _json(fmt.invalid(str(error)), Scenario())
    refusal = _refusal(family, headers, scenario)
    if refusal is not None:
        if refusal.status == _OK and operation.startswith("stream"):
            # Gemini refuses a prompt inside a stream that begins well.
            refusal.content_type, refusal.stream = _SSE, True
            refusal.pieces = [b"data: " + refusal.pieces[0] + b"\r\n\r\n"]
        return refusal
    try:
        if operation in ("embeddings", "batchEmbedContents"):
            return _json((200, fmt.embeddings(body)), scenario)
        asked = _ask(family, name, operation, body)
        if operation in ("count_tokens", "countTokens"):
            return _json((200, fmt.count(asked)), scenario)
        return _completion(family, fmt, asked, scenario)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        return _json(fmt.invalid(str(error)), scenario)


def models_answer(
    family: str,
    path: str,
    headers: Mapping[str, str],
    scenario: Scenario,
    *,
    spent: Callable[[str, Scenario], bool],
) -> Answer:
    """To a GET: the list of models. No model's name directs it; `spent` is asked for "models"."""
    fmt = _format(family)
    if scenario.first and spent("models", scenario):
        scenario = Scenario()
    refusal = _refusal(family, headers, scenario)
    if refusal is not None:
        return refusal
    try:
        models = listing(family, path)
    except ValueError as error:
        return _json(fmt.invalid(str(error)), scenario)
    if models is None:
        return _json(fmt.error("", 404), scenario)
    told = _json((200, models), scenario)
    told.content_type = scenario.content_type or told.content_type
    return _broken(told, scenario)


def _format(family: str) -> Any:
    return {"anthropic": anthropic, "gemini": gemini}.get(family, openai)


def _refusal(family: str, headers: Mapping[str, str], scenario: Scenario) -> Answer | None:
    """What is answered whatever is asked; None if nothing is."""
    fmt = _format(family)
    if scenario.status or scenario.error:
        told = _json(fmt.error(scenario.error, scenario.status), scenario)
        if scenario.retry_after:
            told.headers["retry-after"] = scenario.retry_after
        return told
    if not headers.get(_AUTH.get(family, "authorization")):
        return _json(fmt.error("key_invalid", 401), scenario)
    if family == "anthropic" and "anthropic-version" not in headers:
        return _json(fmt.invalid("anthropic-version: header is required"), scenario)
    return None


def _target(path: str, body: Any) -> tuple[str, str]:
    """The model and the operation that a request names. Raises ValueError."""
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - the client's mistake
    path = path.partition("?")[0]
    if "/models/" in path and ":" in path:
        model, _, operation = unquote(path.rpartition("/models/")[2]).rpartition(":")
        return model, operation
    model = body.get("model")
    if not model or not isinstance(model, str):
        raise ValueError("you must provide a model parameter")
    return model, path.rpartition("/")[2]


def _ask(family: str, name: str, operation: str, body: Any) -> Ask:
    match family:
        case "anthropic":
            asked = anthropic.ask(body, counting=operation == "count_tokens")
        case "gemini":
            stream = operation == "streamGenerateContent"
            inner = body["generateContentRequest"] if operation == "countTokens" else body
            known = {key: value for key, value in inner.items() if key != "model"}
            asked = gemini.ask(name, known, stream=stream)
        case _:
            asked = openai.ask(family, body)
    asked.model = name
    return asked


def _completion(family: str, fmt: Any, asked: Ask, scenario: Scenario) -> Answer:
    reply = reply_to(asked, scenario)
    own = (family, reply) if fmt is openai else (reply,)
    if asked.stream:
        pieces: list[bytes] = fmt.events(*own)
        if scenario.error_midstream:
            pieces = [*pieces[:5], fmt.midstream_error()]
        told = Answer(200, pieces, scenario, _SSE, stream=True)
    else:
        told = _json((200, fmt.whole(*own)), scenario)
    if scenario.content_type:
        told.content_type = scenario.content_type
    return _broken(told, scenario)


def _broken(told: Answer, scenario: Scenario) -> Answer:
    """The faults that are in the bytes themselves."""
    if scenario.malformed:
        told.pieces = _malformed(told, scenario.malformed)
    if scenario.truncate_json:
        middle = len(told.pieces) // 2
        whole = told.pieces[middle]
        told.pieces = [*told.pieces[:middle], whole[: len(whole) // 2]]
    if scenario.empty:
        told.pieces = []
    if scenario.shape == "wrong":
        wrong = json.dumps({"choices": 7, "candidates": "x", "content": 1, "type": []}).encode()
        told.pieces = [b"data: " + wrong + b"\n\n"] if told.stream else [wrong]
    if scenario.header_bomb:
        told.headers.update(_HEADER_BOMB)
    if scenario.line_bomb:
        told.endless = iter(lambda: b"data: " + b"z" * 65_536, b"")
    if scenario.gzip:
        told.headers["content-encoding"] = "gzip"
        told.pieces = [gzip.compress(b"".join(told.pieces))]
    if scenario.gzip_bomb:
        told.headers["content-encoding"] = "gzip"
        told.pieces = [_bomb()]
    return told


def _malformed(told: Answer, how: str) -> list[bytes]:
    pieces = list(told.pieces)
    middle = len(pieces) // 2
    match how:
        case "json":
            pieces[middle] = b'data: {"choices": [}\n\n' if told.stream else b'{"choices": [}'
        case "utf8":
            pieces[middle] = pieces[middle].replace(b'"', b'"\xff\xfe', 1)
        case _:
            pieces[middle] = b"this is no event\n\ndata: nor {this\n\n"
    return pieces


def _bomb() -> bytes:
    """A thousand megabytes of spaces in one: one packed block, repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b" " * _BLOCK_BYTES) + packer.flush(zlib.Z_FULL_FLUSH)
    return _GZIP_HEADER + block * (_BOMB_BYTES // _BLOCK_BYTES) + b"\x03\x00"


def _json(told: tuple[int, Any], scenario: Scenario) -> Answer:
    status, body = told
    return Answer(status, [json.dumps(body, separators=(",", ":")).encode()], scenario)
