"""Chunks of an answer of Gemini into stream events; a whole answer is one chunk.

There is no terminator: an answer is whole when a finish reason was seen and the body then ended
as its own framing promised. Consecutive text is one part, up to a signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

import orjson

from service.domain.completion import Completion, Reasoning, Text, TokenLogprob
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone, ReasoningDelta, StreamEvent, TextDelta, fold
from service.domain.reasons import ErrorReason
from service.providers.gemini.failure import reported
from service.providers.gemini.part import call_events, signature_of, whole_part
from service.providers.gemini.response import (
    KNOWN_CANDIDATE_FIELDS,
    KNOWN_FIELDS,
    NAME,
    SHAPE_ERRORS,
    ending,
    logprobs,
    misshapen,
    usage_of,
)
from service.providers.shape import ShapeError, beyond, record, records, text
from service.providers.wire import SseEvent, invalid_answer

_UNSEEN: AbstractSet[str] = frozenset({""})


def completion(body: bytes) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    decoder = ChunkDecoder()
    events = [*decoder.feed(SseEvent("", body)), *decoder.close(framed=True)]
    return fold(events)


class ChunkDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self) -> None:
        # The keys of the last chunk that was read in full: one with the same keys is not searched
        # again for what lies beyond the contract.
        self._keys = _UNSEEN
        self._candidate_keys = _UNSEEN
        self._part_count = 0
        # The part that further text may carry on, which is the last one.
        self._open: type[Text | Reasoning] | None = None
        self._called = False
        self._finish_reason = ""
        self._usage: Any = None
        self._id = ""
        self._metadata: dict[str, Any] = {}
        self._candidate: dict[str, Any] = {}
        self._over = False

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]:
        try:
            chunk = orjson.loads(event.data)
            return self._plain(chunk) or self._events(chunk)
        except SHAPE_ERRORS as error:
            raise misshapen("a chunk", error) from None

    def close(self, *, framed: bool) -> Sequence[StreamEvent]:
        if self._over:
            return ()
        if not self._finish_reason:
            raise invalid_answer(NAME, "it stopped before the answer was over")
        if not framed:
            raise invalid_answer(NAME, "its connection ended, and nothing says that this was all")
        metadata = self._metadata
        if self._candidate:
            metadata = {**metadata, "candidate": self._candidate}
        try:
            last = ending(self._finish_reason, self._usage, self._id, metadata, called=self._called)
        except SHAPE_ERRORS as error:
            raise misshapen("its ending", error) from None
        self._over = True
        return [*self._close_part(b""), last]

    def _plain(self, chunk: Any) -> Sequence[StreamEvent]:
        """The event of a chunk that adds to an open part and says nothing else; else none."""
        try:
            (candidate,) = chunk["candidates"]
            (part,) = candidate["content"]["parts"]
            said = part["text"]
            if (
                type(said) is not str
                or not said
                or chunk.keys() != self._keys
                or candidate.keys() != self._candidate_keys
                or candidate.get("index")
            ):
                return ()
            if len(part) == 1:
                if self._open is not Text:
                    return ()
                self._usage = chunk.get("usageMetadata") or self._usage
                return (TextDelta(said, self._part_count - 1),)
            if len(part) == 2 and part.get("thought") is True and self._open is Reasoning:
                self._usage = chunk.get("usageMetadata") or self._usage
                return (ReasoningDelta(said, self._part_count - 1),)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # Nothing plain: read in full, and judged there.
        return ()

    def _events(self, chunk: Any) -> Sequence[StreamEvent]:
        if not isinstance(chunk, dict):
            raise ShapeError("a chunk is no object")
        chunk = cast("dict[str, Any]", chunk)
        if chunk.get("error"):
            raise reported(chunk["error"])
        self._usage = chunk.get("usageMetadata") or self._usage
        self._require_accepted(chunk)
        self._id = self._id or text(chunk.get("responseId"), "responseId")
        self._metadata.update(beyond(chunk, KNOWN_FIELDS))
        events: list[StreamEvent] = []
        for candidate in records(chunk.get("candidates"), "candidates"):
            if candidate.get("index"):
                continue
            tokens = logprobs(candidate.get("logprobsResult"))
            content = record(candidate.get("content"), "content")
            for part in records(content.get("parts"), "parts"):
                takes = "text" in part and not part.get("thought")
                self._part(part, tokens if takes else (), events)
                tokens = () if takes else tokens
            if tokens:
                self._said("", Text, tokens, events)
            self._candidate.update(beyond(candidate, KNOWN_CANDIDATE_FIELDS))
            word = text(candidate.get("finishReason"), "finishReason")
            self._finish_reason = word or self._finish_reason
            plain = not word and not candidate.get("logprobsResult")
            self._candidate_keys = candidate.keys() if plain else _UNSEEN
        self._keys = _UNSEEN if "promptFeedback" in chunk or "error" in chunk else chunk.keys()
        return events

    def _require_accepted(self, chunk: dict[str, Any]) -> None:
        feedback = record(chunk.get("promptFeedback"), "promptFeedback")
        blocked = text(feedback.get("blockReason"), "blockReason")
        if blocked:
            more = text(feedback.get("blockReasonMessage"), "blockReasonMessage")
            message = f"{NAME} refused the prompt: {blocked}{': ' if more else ''}{more}"
            raise ProviderFailure(
                ErrorReason.CONTENT_POLICY_VIOLATION,
                message[:500],
                usage=usage_of(record(self._usage, "usageMetadata")),
            )

    def _part(
        self, part: dict[str, Any], tokens: tuple[TokenLogprob, ...], events: list[StreamEvent]
    ) -> None:
        if not part:
            return
        signature = signature_of(part)
        if "text" in part:
            kind = Reasoning if part.get("thought") else Text
            self._said(text(part["text"], "text"), kind, tokens, events)
            if signature:
                if self._open is not kind:
                    self._open_part(kind, events)
                events.extend(self._close_part(signature))
            return
        events.extend(self._close_part(b""))
        index = self._part_count
        self._part_count += 1
        if "functionCall" in part:
            self._called = True
            call = record(part["functionCall"], "functionCall")
            events.extend(call_events(index, call, signature, self._id))
        else:
            events.append(PartDone(index, whole_part(part, signature)))

    def _said(
        self,
        said: str,
        kind: type[Text | Reasoning],
        tokens: tuple[TokenLogprob, ...],
        events: list[StreamEvent],
    ) -> None:
        if not said and not tokens:
            return
        if self._open is not kind:
            self._open_part(kind, events)
        index = self._part_count - 1
        if kind is Text:
            events.append(TextDelta(said, index, tokens))
        else:
            events.append(ReasoningDelta(said, index))

    def _open_part(self, kind: type[Text | Reasoning], events: list[StreamEvent]) -> None:
        events.extend(self._close_part(b""))
        self._open = kind
        self._part_count += 1

    def _close_part(self, signature: bytes) -> Sequence[StreamEvent]:
        if self._open is None:
            return ()
        kind, self._open = self._open, None
        rest = None
        if signature:
            text_rest, reasoning_rest = (
                Text("", signature=signature),
                Reasoning(signature=signature),
            )
            rest = text_rest if kind is Text else reasoning_rest
        return (PartDone(self._part_count - 1, rest),)
