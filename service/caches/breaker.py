"""When one node of Redis is left alone for a while: a table of transitions. Pure.

    state         | in time       | too late             | failed                | time
    --------------+---------------+----------------------+-----------------------+---------------
    OK            | all rows end  | 5 in a row: SLOW     | 3 in a row: FAILING;  |
                  |               |                      | nobody there: at once |
    SLOW, FAILING | nothing       | nothing              | nothing               | a trial is due
    TRYING, and   | OK            | SLOW, twice as long  | FAILING, the same     |
    the trial is  |               |                      |                       |

Nonsense is a row of its own: 3 with no sensible reply between, of whatever kind, are FAILING. So
somebody else's value under a key of ours harms nothing, and a server that only talks nonsense is
known soon.

In a row is one after the other: what began before the last one ended says nothing new, so that one
hiccup under load counts once. The first time it is left alone for 1 s, at most for 8 s; after 10 s
of OK the next time is a first one again.
"""

from __future__ import annotations

from enum import Enum

LATE_MAX = 5
FAILED_MAX = 3
ALONE_S = 1.0
ALONE_MAX_S = 8.0
FORGIVEN_AFTER_S = 10.0
"""They are for who is left alone for 1 s at first, and in proportion for others."""


class State(Enum):
    """The worst comes last."""

    OK = "ok"
    TRYING = "trying"
    SLOW = "slow"
    FAILING = "failing"


_WORST_LAST = list(State)


def worst(states: list[State]) -> State:
    """OK if there are none."""
    return max(states, key=_WORST_LAST.index, default=State.OK)


class Breaker:
    """Moments are in seconds of any one clock. `problem` is the kind of the last failure.

    `began_at` tells when a round trip was asked for, `now` when it is judged. `alone_s` is how long
    it is left alone at first.
    """

    def __init__(self, alone_s: float = ALONE_S) -> None:
        self.state = State.OK
        self.problem = ""
        self._late_count = 0
        self._failed_count = 0
        self._nonsense_count = 0
        self._nonsense_from = 0.0
        self._row_from = 0.0
        """What began earlier is in no row."""
        self._first_s = self._alone_s = alone_s
        self._most_s = ALONE_MAX_S * alone_s / ALONE_S
        self._forgiven_s = FORGIVEN_AFTER_S * alone_s / ALONE_S
        self._until = 0.0
        self._ok_since = -self._forgiven_s

    def __repr__(self) -> str:
        if self.state is State.OK:
            return f"<Breaker ok, {self._late_count} late, {self._failed_count} failed in a row>"
        return f"<Breaker {self.state.value} ({self.problem}), alone for {self._alone_s:.0f} s>"

    @property
    def is_doubtful(self) -> bool:
        """Whether the last round trip that ended was late or failed."""
        return self._late_count > 0 or self._failed_count > 0

    def in_time(self) -> None:
        if self.state is State.OK:
            self._late_count = self._failed_count = self._nonsense_count = 0
            self.problem = ""

    def sensible(self) -> None:
        """It has said what a Redis says, whenever that came."""
        self._nonsense_count = 0

    def nonsense(self, began_at: float, now: float, problem: str) -> None:
        if self.state is not State.OK or began_at < self._nonsense_from:
            return
        self._nonsense_from = now
        self._nonsense_count += 1
        if self._nonsense_count >= FAILED_MAX:
            self._leave_alone(State.FAILING, problem, now)

    def late(self, began_at: float, now: float) -> None:
        if self.state is not State.OK or began_at < self._row_from:
            return
        self._row_from = now
        self._late_count += 1
        if self._late_count >= LATE_MAX:
            self._leave_alone(State.SLOW, "late", now)

    def failed(self, began_at: float, now: float, problem: str, *, nobody: bool = False) -> None:
        """`nobody`: there is no server to connect to."""
        if self.state is not State.OK or (began_at < self._row_from and not nobody):
            return
        self._row_from = now
        self._failed_count += 1
        self.problem = problem
        if nobody or self._failed_count >= FAILED_MAX:
            self._leave_alone(State.FAILING, problem, now)

    def trial_is_due(self, now: float) -> bool:
        return self.state in (State.SLOW, State.FAILING) and now >= self._until

    def hurry(self) -> None:
        """Something has changed: the next trial is due now."""
        self._until = 0.0
        self._alone_s = self._first_s

    def trial_begins(self) -> None:
        self.state = State.TRYING

    def trial_passed(self, now: float) -> None:
        self.state = State.OK
        self.problem = ""
        self._late_count = self._failed_count = self._nonsense_count = 0
        self._row_from = self._nonsense_from = self._ok_since = now

    def trial_late(self, now: float) -> None:
        self._again(State.SLOW, "late", now)

    def trial_failed(self, now: float, problem: str) -> None:
        self._again(State.FAILING, problem, now)

    def _again(self, state: State, problem: str, now: float) -> None:
        self._alone_s = min(2.0 * self._alone_s, self._most_s)
        self._stay(state, problem, now)

    def _leave_alone(self, state: State, problem: str, now: float) -> None:
        soon = now - self._ok_since < self._forgiven_s
        self._alone_s = min(2.0 * self._alone_s, self._most_s) if soon else self._first_s
        self._stay(state, problem, now)

    def _stay(self, state: State, problem: str, now: float) -> None:
        self.state = state
        self.problem = problem
        self._until = now + self._alone_s
