"""What each generation of Gemini models takes and refuses, by the name of the model.

A Gemini without a version (an alias such as `gemini-flash-latest`) is taken for the newest; any
other model (a Gemma, say) for one that samples as ever and does not think.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"gemini-(?P<major>\d{1,2})(?:[.-](?P<minor>\d{1,2}))?(?!\d)")
_NEWEST: tuple[int, int] = (99, 0)


@dataclass(frozen=True, slots=True)
class Traits:
    """`budget` is True for models that count their thinking in tokens; newer ones take a level.

    `budget_min` is the least such budget, None for models that do not think. `least_level` is the
    lowest level. `sampling` is False for models that ignore temperature, topP and topK.
    `signed_calls` are those that refuse a function call without a signature; they alone read media
    in the results of functions.
    """

    budget: bool
    budget_min: int | None
    least_level: str
    sampling: bool
    signed_calls: bool


_OTHER = Traits(budget=True, budget_min=None, least_level="low", sampling=True, signed_calls=False)


def traits(model: str) -> Traits:
    """The traits of the model of this name."""
    if "gemini" not in model:
        return _OTHER
    found = _NAME.search(model)
    version = (int(found["major"]), int(found["minor"] or 0)) if found else _NEWEST
    lite = "lite" in model
    minimal = "flash" in model and (lite or version < (3, 6))
    return Traits(
        budget=version < (3, 0),
        budget_min=_budget_min(model, version),
        least_level="minimal" if minimal else "low",
        sampling=version < (3, 5) or (version == (3, 5) and not lite),
        signed_calls=version >= (3, 0),
    )


def _budget_min(model: str, version: tuple[int, int]) -> int | None:
    if version < (2, 5):
        return None
    # The large model cannot be kept from thinking.
    return 128 if "pro" in model else 0
