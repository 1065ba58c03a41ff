"""The events of an answer that is still being spoken, and their fold into the whole answer.

The order is fixed: any number of deltas and PartDone, then exactly one Ending. An iterator of
events that
stops without an Ending is not an answer: `fold` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from service.domain.completion import (
    Completion,
    Ending,
    Part,
    Reasoning,
    Text,
    TokenLogprob,
    ToolCall,
)


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    part_index: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    part_index: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """`id` and `name` stand in the first delta of a call only."""

    part_index: int
    id: str = ""
    name: str = ""
    arguments_json_fragment: str = ""


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part is complete. `part` holds only what its deltas did not carry, None if that is nothing.

    For text, reasoning and tool calls that had deltas `part` repeats no text: only `signature`,
    `encrypted` count. A part without deltas (refusal, media, provider part) comes here whole.
    """

    part_index: int
    part: Part | None = None


StreamEvent: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta | PartDone | Ending


class IncompleteStreamError(ValueError):
    """The events stopped without an Ending, or went on after it."""


def fold(events: Iterable[StreamEvent]) -> Completion:
    """The whole answer of which these are the events.

    Raises IncompleteStreamError without exactly one Ending, at the end.
    """
    parts: dict[int, Part] = {}
    logprobs: list[TokenLogprob] = []
    ending: Ending | None = None
    for event in events:
        if ending is not None:
            message = "an event follows the Ending"
            raise IncompleteStreamError(message)
        if isinstance(event, Ending):
            ending = event
            continue
        parts[event.part_index] = _grown(parts.get(event.part_index), event)
        if isinstance(event, TextDelta):
            logprobs.extend(event.logprobs)
    if ending is None:
        message = "the stream stopped without an Ending"
        raise IncompleteStreamError(message)
    ordered = (parts[index] for index in sorted(parts))
    whole = tuple(part for part in ordered if part != Text(""))
    return Completion(whole, ending, tuple(logprobs))


def _grown(part: Part | None, event: TextDelta | ReasoningDelta | ToolCallDelta | PartDone) -> Part:
    match event:
        case TextDelta():
            known = part if isinstance(part, Text) else Text("")
            return replace(known, text=known.text + event.text)
        case ReasoningDelta():
            known = part if isinstance(part, Reasoning) else Reasoning()
            return replace(known, text=known.text + event.text)
        case ToolCallDelta():
            known = part if isinstance(part, ToolCall) else ToolCall(event.id, event.name, "")
            arguments = known.arguments_json + event.arguments_json_fragment
            return replace(known, arguments_json=arguments)
        case PartDone():
            return _completed(part, event.part)


def _completed(part: Part | None, rest: Part | None) -> Part:
    if part is None:
        return rest if rest is not None else Text("")
    if rest is None:
        return part
    if isinstance(part, Reasoning) and isinstance(rest, Reasoning):
        encrypted = rest.encrypted or part.encrypted
        return replace(part, signature=rest.signature, encrypted=encrypted)
    return replace(part, signature=rest.signature)


def replay(completion: Completion) -> Iterable[StreamEvent]:
    """Events that fold into `completion`: one delta for each part."""
    first_text = True
    for index, part in enumerate(completion.parts):
        rest: Part | None = None
        match part:
            case Text():
                # Log probabilities run through the whole answer; the first text carries them.
                logprobs = completion.logprobs if first_text else ()
                first_text = False
                yield TextDelta(part.text, index, logprobs)
                rest = Text("", signature=part.signature) if part.signature else None
            case Reasoning():
                if part.text:
                    yield ReasoningDelta(part.text, index)
                rest = replace(part, text="")
            case ToolCall():
                yield ToolCallDelta(index, part.id, part.name, part.arguments_json)
                rest = ToolCall("", "", "", signature=part.signature) if part.signature else None
            case _:
                rest = part
        yield PartDone(index, rest)
    yield completion.ending
