"""When a reading makes an alert, and when that is over: a table of transitions. Pure.

    state    | worse                  | between    | better                    | nothing is known
    ---------+------------------------+------------+---------------------------+-----------------
    CALM     | PENDING; FIRING, if it |            |                           |
             | need not hold          |            |                           |
    PENDING  | for `for_s` by now:    | CALM       | CALM                      | stays as it is;
             | FIRING, and told       |            |                           | for a day: CALM
    FIRING   | recovery begins anew   | recovery   | for `clear_for_s` by now: | stays as it is;
             |                        | begins     | CALM, and told as         | for a day: CALM,
             |                        | anew       | resolved                  | and told

Worse is at the rule's limit or beyond; better is at its clear limit or beyond. Between the two no
alert begins and none ends, so that a reading at an edge does not flap. What is not known is neither
good nor bad: time counts only between two readings of the same verdict. So does time in which
nobody looked: of a longer pause the caller hands in what it is willing to count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from service.domain.alert_rules import Holding, Limits, Rule, Subject

FORGOTTEN_AFTER_S = 86_400.0
"""An alert of which nothing was known for so long is over: whoever it was of is gone."""
RESOLVED_MAX = 100
"""So many alerts that are over are remembered, the newest."""


class Verdict(Enum):
    WORSE = "worse"
    BETWEEN = "between"
    BETTER = "better"
    UNKNOWN = "unknown"


class State(Enum):
    CALM = "calm"
    PENDING = "pending"
    FIRING = "firing"


class Reading(NamedTuple):
    """What was measured, and the limits that it is held against, in the same unit."""

    value: float
    limits: Limits


class Why(Enum):
    """Why an alert is told."""

    PENDING = "pending"
    """It is bad, but not for long enough. Told to those alone who ask."""
    FIRED = "fired"
    GOES_ON = "goes_on"
    RECOVERED = "recovered"
    NO_DATA = "no_data"
    RULE_CHANGED = "rule_changed"
    """The rule is there no more, or says something else."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one subject stands with one rule. `held_s` is how long it was worse, or better again.

    Moments are in seconds since the epoch. `reading` is the last that was known.
    """

    state: State = State.CALM
    held_s: float = 0.0
    verdict: Verdict = Verdict.UNKNOWN
    """The last one."""
    unknown_s: float = 0.0
    since: float = 0.0
    """When it fired; of one that is pending, when it began to be bad."""
    told_at: float = 0.0
    told_count: int = 0
    reading: Reading | None = None


class Alert(NamedTuple):
    """What is told. `number` counts what was told of the same firing, from 1 on."""

    rule: Rule
    subject: Subject
    why: Why
    standing: Standing
    at: float

    @property
    def is_firing(self) -> bool:
        return self.why in (Why.FIRED, Why.GOES_ON)

    @property
    def number(self) -> int:
        return self.standing.told_count


CALM = Standing()


def verdict(reading: Reading | None) -> Verdict:
    if reading is None:
        return Verdict.UNKNOWN
    value, (worse, clear) = reading
    if worse < clear:
        value, worse, clear = -value, -worse, -clear
    if value >= worse:
        return Verdict.WORSE
    return Verdict.BETTER if value <= clear else Verdict.BETWEEN


def step(before: Standing, reading: Reading | None, holding: Holding, elapsed_s: float) -> Standing:
    """The table above. `elapsed_s` is how long ago the last step was, as far as that counts."""
    now = verdict(reading)
    if now is Verdict.UNKNOWN:
        if before.state is State.CALM:
            return CALM
        unknown_s = before.unknown_s + elapsed_s
        state = before.state if unknown_s < FORGOTTEN_AFTER_S else State.CALM
        return replace(before, state=state, verdict=now, unknown_s=unknown_s)
    wanted = Verdict.BETTER if before.state is State.FIRING else Verdict.WORSE
    went_on = now is wanted and before.verdict is now
    held_s = before.held_s if now is wanted else 0.0
    held_s += elapsed_s if went_on else 0.0
    after = replace(before, verdict=now, held_s=held_s, unknown_s=0.0, reading=reading)
    if before.state is State.FIRING:
        is_over = now is Verdict.BETTER and held_s >= holding.clear_for_s
        return replace(after, state=State.CALM) if is_over else after
    if now is not Verdict.WORSE:
        return CALM
    if held_s < holding.for_s:
        return replace(after, state=State.PENDING)
    return replace(after, state=State.FIRING, held_s=0.0)


Readings = Mapping[Subject, Reading | None]


class Book:
    """Every rule with those who do not stand calm with it. `repeat_s` of 0 repeats nothing."""

    def __init__(self, repeat_s: float = 0.0) -> None:
        self.repeat_s = repeat_s
        self.rules: Mapping[str, Rule] = {}
        self.resolved: deque[Alert] = deque(maxlen=RESOLVED_MAX)
        """What is over, the newest last. It outlives its rule."""
        self._standings: dict[str, dict[Subject, Standing]] = {}

    def __repr__(self) -> str:
        counts = dict.fromkeys(State, 0)
        for _, _, standing in self._all():
            counts[standing.state] += 1
        firing, pending = counts[State.FIRING], counts[State.PENDING]
        return f"<Book of {len(self.rules)} rules: {firing} firing, {pending} pending>"

    def adopt(self, rules: Sequence[Rule], now: float) -> list[Alert]:
        """Takes over rules. Those that are the same keep their alerts; the others' are over."""
        fresh = {rule.name: rule for rule in rules}
        over = [
            self._told(rule, subject, Why.RULE_CHANGED, standing, now)
            for rule, subject, standing in self._all()
            if standing.state is State.FIRING and fresh.get(rule.name) != rule
        ]
        self.resolved += over
        self._standings = {
            name: self._standings.get(name, {}) if self.rules.get(name) == rule else {}
            for name, rule in fresh.items()
        }
        self.rules = fresh
        return over

    def subjects(self, rule: Rule) -> Iterable[Subject]:
        """Who does not stand calm with it."""
        return tuple(self._standings.get(rule.name, ()))

    def firing(self) -> list[tuple[Rule, Subject, Standing]]:
        return [one for one in self._all() if one[2].state is State.FIRING]

    def alerts(self, now: float) -> list[Alert]:
        """What fires or is pending at `now`, and what is over."""
        whys = {State.FIRING: Why.FIRED, State.PENDING: Why.PENDING}
        there = [
            Alert(rule, subject, whys[standing.state], standing, now)
            for rule, subject, standing in self._all()
        ]
        return [*there, *self.resolved]

    def step(self, rule: Rule, readings: Readings, elapsed_s: float, now: float) -> list[Alert]:
        """Takes in what one rule reads now. A subject that is not there reads nothing."""
        standings = self._standings.get(rule.name)
        if standings is None:
            return []
        told: list[Alert] = []
        for subject in (*standings, *(one for one in readings if one not in standings)):
            before = standings.get(subject, CALM)
            after = step(before, readings.get(subject), rule.holding, elapsed_s)
            why = self._why(before, after, now)
            begins = before.state is State.CALM and after.state is State.PENDING
            if begins or why is Why.FIRED:
                after = replace(after, since=now)
            if why is not None:
                alert = self._told(rule, subject, why, after, now)
                told.append(alert)
                after = alert.standing
                if not alert.is_firing:
                    self.resolved.append(alert)
            if after.state is State.CALM:
                standings.pop(subject, None)
            else:
                standings[subject] = after
        return told

    def _why(self, before: Standing, after: Standing, now: float) -> Why | None:
        was_firing = before.state is State.FIRING
        if after.state is not State.FIRING:
            over = Why.NO_DATA if after.verdict is Verdict.UNKNOWN else Why.RECOVERED
            return over if was_firing else None
        if not was_firing:
            return Why.FIRED
        # Also where the clock was set back: rather once too often than not for a day.
        due = self.repeat_s > 0 and not 0.0 <= now - after.told_at < self.repeat_s
        return Why.GOES_ON if due else None

    def _told(
        self, rule: Rule, subject: Subject, why: Why, standing: Standing, now: float
    ) -> Alert:
        told = replace(standing, told_at=now, told_count=standing.told_count + 1)
        return Alert(rule, subject, why, told, now)

    def _all(self) -> Iterator[tuple[Rule, Subject, Standing]]:
        for name, standings in self._standings.items():
            for subject, standing in standings.items():
                yield self.rules[name], subject, standing
