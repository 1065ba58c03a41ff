"""Whether a logged decision follows from what it says it was made of. Pure.

Views to scores, scores to shares, and the draw on the shares: by the code that routes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from service.domain.logged import Logged
from service.domain.replay import chances_at
from service.domain.routing import picked
from service.domain.scoring import POLICY_VERSION, PolicyName, Scored, scores

_EQUAL = 1e-9


class Recomputed(Enum):
    """How a decision and its recomputation compare."""

    SAME = "same"
    OTHER_CANDIDATE = "other_candidate"
    OTHER_NUMBERS = "other_numbers"
    """The same candidate, but with another score, term or share."""
    OTHER_SCORING = "other_scoring"
    """Another version of the scoring made it: not recomputed."""


def recomputed(logged: Logged) -> Recomputed:
    """Makes the decision again."""
    if logged.policy_version != POLICY_VERSION:
        return Recomputed.OTHER_SCORING
    tier = [logged.considered[place] for place in logged.first_tier]
    turn = _turn(logged)
    found = scores(logged.policy, [one.view for one in tier], logged.demand, turn)
    shares = chances_at(logged, logged.policy, turn)
    place = shares.index(1.0) if logged.trial else picked(shares, logged.draw)
    if place != logged.first_tier.index(logged.chosen):
        return Recomputed.OTHER_CANDIDATE
    said: list[Scored] = [(one.score, one.terms) for one in tier]
    same = all(_near(a, b) for a, b in zip(found, said, strict=True)) and all(
        math.isclose(share, one.share, abs_tol=_EQUAL)
        for share, one in zip(shares, tier, strict=True)
    )
    return Recomputed.SAME if same else Recomputed.OTHER_NUMBERS


def _turn(logged: Logged) -> int:
    """Of round robin, whose turn it was, which is in the scores alone."""
    if logged.policy.name is not PolicyName.ROUND_ROBIN:
        return 0
    said = [logged.considered[place].score for place in logged.first_tier]
    return said.index(max(said))


def _near(ours: Scored, said: Scored) -> bool:
    return _close((ours[0], *ours[1]), (said[0], *said[1])) and _close((sum(said[1]),), (said[0],))


def _close(ours: Sequence[float], said: Sequence[float]) -> bool:
    return all(
        math.isclose(a, b, rel_tol=_EQUAL, abs_tol=_EQUAL) for a, b in zip(ours, said, strict=True)
    )
