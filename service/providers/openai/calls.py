"""Tool calls that come in fragments: which call a fragment belongs to, and what it adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.domain.completion import ProviderPart
from service.domain.events import ToolCallDelta
from service.providers.openai.response import call_id
from service.providers.shape import ShapeError, record, text


@dataclass(slots=True)
class OpenCall:
    """A call that is still being spoken. `told_id` is the id that the provider gave."""

    part_index: int
    told_id: str
    custom: dict[str, Any] | None = None
    """A call of a tool that is no function, as far as it is known: it is told when whole."""
    custom_input: list[str] = field(default_factory=list[str])

    def whole(self, provider: str) -> ProviderPart | None:
        """None for the call of a function: its deltas have told all of it."""
        if self.custom is None:
            return None
        kind = self.custom["type"]
        inner = {**(self.custom.get(kind) or {}), "input": "".join(self.custom_input)}
        value = {key: item for key, item in self.custom.items() if key != "index"}
        return ProviderPart(provider, {**value, kind: inner})


class OpenCalls:
    """The calls of one answer, by the provider's index.

    Servers exist that give every call the index 0, or none at all: a new id together with a name
    begins a new call whatever its index; a fragment without an index belongs to the last call.
    """

    def __init__(self) -> None:
        self.calls: list[OpenCall] = []
        self._by_index: dict[int, OpenCall] = {}

    def delta(
        self, fragment: dict[str, Any], part_index: int, response_id: str
    ) -> ToolCallDelta | None:
        """What `fragment` adds; `part_index` is the place of a call that it begins.

        None when there is nothing to tell yet. Raises ShapeError.
        """
        told_id = text(fragment.get("id"), "a call's id")
        index = fragment.get("index")
        if index is not None and type(index) is not int:
            raise ShapeError("a call's index is no number")
        kind = text(fragment.get("type"), "a call's type") or "function"
        function = record(fragment.get("function"), "function")
        name = text(function.get("name"), "a function's name")
        arguments = text(function.get("arguments"), "arguments")
        known = self._known(index, told_id, begins=bool(name) or kind != "function")
        if known is not None:
            if known.custom is not None:
                self._custom_input(known, fragment, known.custom["type"])
                return None
            return ToolCallDelta(known.part_index, "", "", arguments) if arguments else None
        call = OpenCall(part_index, told_id)
        if kind != "function":
            call.custom = fragment
            self._custom_input(call, fragment, kind)
        elif not name:
            raise ShapeError("a tool call has no name")
        number = len(self.calls)
        self.calls.append(call)
        self._by_index[number if index is None else index] = call
        if call.custom is not None:
            return None
        return ToolCallDelta(part_index, call_id(told_id, response_id, number), name, arguments)

    def _known(self, index: int | None, told_id: str, *, begins: bool) -> OpenCall | None:
        if index is None:
            if not self.calls or (begins and told_id not in ("", self.calls[-1].told_id)):
                return None
            known = self.calls[-1]
        else:
            known = self._by_index.get(index)
        if known is not None and begins and told_id not in ("", known.told_id):
            return None
        return known

    @staticmethod
    def _custom_input(call: OpenCall, fragment: dict[str, Any], kind: str) -> None:
        inner = record(fragment.get(kind), "a custom call")
        call.custom_input.append(text(inner.get("input"), "a custom call's input"))
