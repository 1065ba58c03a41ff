"""Every decision of a log made again, and how many come out the same, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import orjson

from service.domain.recomputation import Recomputed, recomputed
from service.replay.reading import Reading

_EXAMPLES_MAX = 5
_WRONG = (Recomputed.OTHER_CANDIDATE, Recomputed.OTHER_NUMBERS)
_WORDS = {
    Recomputed.OTHER_CANDIDATE: "choose another candidate",
    Recomputed.OTHER_NUMBERS: "choose the same one by other scores or shares",
    Recomputed.OTHER_SCORING: "were not made again: another version of the scoring made them",
}


class Check:
    """Reads the log to its end. Raises OSError."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._counts: Counter[Recomputed] = Counter()
        self._examples: list[str] = []
        for decision in reading:
            how = recomputed(decision)
            self._counts[how] += 1
            if how in _WRONG and len(self._examples) < _EXAMPLES_MAX:
                self._examples.append(decision.request_id)

    @property
    def wrong_count(self) -> int:
        return self._count(_WRONG)

    @property
    def made_count(self) -> int:
        """How many could be made again."""
        return self._count((*_WRONG, Recomputed.SAME))

    @property
    def exit_code(self) -> int:
        """0 all the same, 1 some are not, 2 none could be made again."""
        if self.wrong_count:
            return 1
        return 0 if self.made_count else 2

    def text(self) -> str:
        same = self.made_count - self._counts[Recomputed.OTHER_CANDIDATE]
        lines = [
            f"{same:,} of {self.made_count:,} decisions, made again, choose the same candidate"
        ]
        lines += [
            f"{self._counts[how]:,} {words}" for how, words in _WORDS.items() if self._counts[how]
        ]
        if self._examples:
            lines.append(f"such as the requests {', '.join(self._examples)}")
        if self._reading.left_out:
            lines.append(self._reading.left_out)
        return "\n".join(lines)

    def json(self) -> str:
        fields = {
            "decisions": self._reading.count,
            **{how.value: self._counts[how] for how in Recomputed},
            "different_requests": self._examples,
            "damaged_lines": self._reading.damaged_count,
            "lines_of_other_versions": self._reading.other_version_count,
        }
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()

    def _count(self, kinds: Iterable[Recomputed]) -> int:
        return sum(self._counts[how] for how in kinds)
