"""What each generation of Claude models takes and refuses, by the name of the model.

A name that is not Claude's own (an alias, another server's model) gets the oldest form, which is
the one that compatible servers understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"claude-(?:(?P<line>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)"
)
# These lines cannot be kept from thinking.
_THINKERS = frozenset({"fable", "mythos"})


@dataclass(frozen=True, slots=True)
class Traits:
    """`budget` and `adaptive` say which forms of thinking the model takes.

    `sampling` is False for models that refuse temperature, top_p and top_k. `thinks_unasked` are
    those that think unless told not to, `always_thinks` those that cannot be told.
    `system_amid` are those that take a system message amid the conversation.
    """

    budget: bool = True
    adaptive: bool = False
    sampling: bool = True
    thinks_unasked: bool = False
    always_thinks: bool = False
    system_amid: bool = False


_OLDEST = Traits()


def traits(model: str) -> Traits:
    """The traits of the model of this name."""
    found = _NAME.search(model)
    if found is None:
        return _OLDEST
    version = (int(found["major"]), int(found["minor"] or 0))
    line = found["line"] or ""
    return Traits(
        budget=version < (4, 7),
        adaptive=version >= (4, 6),
        sampling=version < (4, 7),
        thinks_unasked=version >= (5, 0),
        always_thinks=line in _THINKERS or (version >= (5, 5) and line != "haiku"),
        system_amid=version >= (4, 8),
    )
