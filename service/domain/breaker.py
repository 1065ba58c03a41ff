"""When a candidate is left alone for a while: a table of transitions. Pure; 429s are elsewhere.

    state      | success            | fault                      | time
    -----------+--------------------+----------------------------+------------------------------
    CLOSED     | count              | count; too many: OPEN      |
    OPEN       | (late) count       | (late) nothing             | until `open_until`: HALF_OPEN
    HALF_OPEN  | CLOSED, slow start | OPEN, for twice as long    |

Too many is 5 faults in a row, or half of at least 10 attempts within 30 s. In a row is in the order
in which attempts began: those of a failing provider end sooner than those of one that answers, so
that in the order of ending any that fails at times looks like an outage under load. Of those that
began between the first and the last fault a fifth may be under way still; whoever began before one
that was answered is in no row. From a candidate that fails at times anyway it takes more in a row:
as many as chance explains once in 100,000 times. Half is of those that began or ended.

An opening lasts 5 s, doubled with each one that follows, at most 60 s, give or take a fifth.
Half-open lets one attempt through at a time. After Envoy's outlier detection and Finagle's failure
accrual.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from service.domain.stats import PRIOR_FAULTS, PRIOR_SUCCESSES

CONSECUTIVE_MIN = 5
CONSECUTIVE_MAX = 20
"""In a row from the flakiest."""
CHANCE = 1.0001e-5
"""Five in a row are enough from one that is not known: 0.1 to the power of 5, and its rounding."""
ROW_SHARE = 0.8
WINDOW_S = 30.0
WINDOW_ATTEMPTS_MIN = 10
WINDOW_FAULTS_SHARE = 0.5
EJECTION_S = 5.0
EJECTION_MAX_S = 60.0
JITTER = 0.2
SLOW_START_S = 10.0
SLOW_START_FROM = 0.1
FORGIVEN_AFTER_S = 60.0
"""Closed for so long, the next opening is a first one again."""
_BUCKETS = 3
_BUCKET_S = WINDOW_S / _BUCKETS


class Circuit(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Trip(Enum):
    """Why a circuit opened. `IN_A_ROW` looks like an outage; `SHARE` still answers at times."""

    IN_A_ROW = "in_a_row"
    SHARE = "share"
    PEER = "peer"
    """Other replicas opened theirs."""


class Bucket(NamedTuple):
    """Attempts that ended within one part of the window; `begun_count` is from before it."""

    number: int
    successes: int
    faults: int
    begun_count: int = 0


class Breaker(NamedTuple):
    """`openings` counts those in a row; `closed_at` is when the last one ended, None if never.

    `in_a_row` counts faults from attempt number `row_from` to `row_to`, with no answer between.
    `answered_to` is the highest number that was answered; faults below `counts_from` are from
    before an opening that is over.
    """

    circuit: Circuit = Circuit.CLOSED
    in_a_row: int = 0
    row_from: int = 0
    row_to: int = 0
    answered_to: int = 0
    counts_from: int = 0
    window: tuple[Bucket, ...] = ()
    openings: int = 0
    trip: Trip | None = None
    open_until: float = 0.0
    trial: bool = False
    closed_at: float | None = None

    def __repr__(self) -> str:
        match self.circuit:
            case Circuit.CLOSED:
                return f"<Breaker closed, {self.in_a_row} faults in a row>"
            case Circuit.OPEN:
                return f"<Breaker open until {self.open_until:.1f}, opening {self.openings}>"
            case Circuit.HALF_OPEN:
                return f"<Breaker half-open{', on trial' if self.trial else ''}>"


def at(breaker: Breaker, now: float) -> Breaker:
    """The breaker as it stands at `now`: an opening that is over is half-open."""
    if breaker.circuit is Circuit.OPEN and now >= breaker.open_until:
        return breaker._replace(circuit=Circuit.HALF_OPEN, trial=False)
    return breaker


def asked(breaker: Breaker) -> Breaker:
    """An attempt begins. In a half-open circuit it is the trial."""
    return breaker._replace(trial=True) if breaker.circuit is Circuit.HALF_OPEN else breaker


def abandoned(breaker: Breaker) -> Breaker:
    """A trial ended without telling anything: the caller left, or the fault was the caller's."""
    return breaker._replace(trial=False) if breaker.trial else breaker


def succeeded(breaker: Breaker, now: float, number: int = 0, begun_count: int = 0) -> Breaker:
    """The attempt of this number, of so many in the order of beginning, was answered."""
    if breaker.circuit is Circuit.HALF_OPEN:
        return Breaker(
            openings=breaker.openings, closed_at=now, answered_to=number, counts_from=number
        )
    window = _counted(breaker.window, now, begun_count, success=True)
    if breaker.circuit is Circuit.OPEN:
        # It began before the opening; the trial will tell how things are now.
        return breaker._replace(window=window)
    if number < breaker.row_from:
        # It began before the faults did, and tells how things were.
        return breaker._replace(window=window, answered_to=max(number, breaker.answered_to))
    return Breaker(
        answered_to=max(number, breaker.answered_to),
        counts_from=breaker.counts_from,
        window=window,
        openings=breaker.openings,
        trip=breaker.trip,
        closed_at=breaker.closed_at,
    )


def faulted(
    breaker: Breaker, now: float, draw: float, number: int = 0, begun_count: int = 0
) -> Breaker:
    """The attempt of this number, of so many begun, failed by the provider's fault.

    `draw` in [0, 1) is the jitter.
    """
    if breaker.circuit is Circuit.OPEN or number < breaker.counts_from:
        return breaker
    if breaker.circuit is Circuit.HALF_OPEN:
        # What others said ended with the trial: this opening is one's own.
        trip = Trip.SHARE if breaker.trip is Trip.SHARE else Trip.IN_A_ROW
        return opened(breaker, now, draw, trip)
    window = _counted(breaker.window, now, begun_count, success=False)
    counted = breaker._replace(window=window)
    if number >= breaker.answered_to:
        alone = breaker.in_a_row == 0
        counted = counted._replace(
            in_a_row=breaker.in_a_row + 1,
            row_from=number if alone else min(number, breaker.row_from),
            row_to=number if alone else max(number, breaker.row_to),
        )
    if counted.in_a_row >= CONSECUTIVE_MIN and _is_outage(counted):
        return opened(counted, now, draw, Trip.IN_A_ROW)
    faults = sum(bucket.faults for bucket in window)
    ended = faults + sum(bucket.successes for bucket in window)
    # Those under way may well be answered.
    total = max(ended, begun_count - window[0].begun_count)
    if ended >= WINDOW_ATTEMPTS_MIN and faults >= WINDOW_FAULTS_SHARE * total:
        return opened(counted, now, draw, Trip.SHARE)
    return counted


def _is_outage(breaker: Breaker) -> bool:
    """Whether neither chance nor those under way explain the faults in a row."""
    row = breaker.in_a_row
    if row < ROW_SHARE * (breaker.row_to - breaker.row_from + 1):
        return False
    before = sum(bucket.faults for bucket in breaker.window) - row
    answered = sum(bucket.successes for bucket in breaker.window)
    faults = PRIOR_FAULTS + max(0, before)
    share = faults / (faults + PRIOR_SUCCESSES + answered)
    return row >= CONSECUTIVE_MAX or share**row <= CHANCE


def opened(breaker: Breaker, now: float, draw: float, trip: Trip) -> Breaker:
    """From now on nobody asks, for longer than the last time."""
    before = 0 if _forgiven(breaker, now) else breaker.openings
    wait_s = min(EJECTION_S * 2.0**before, EJECTION_MAX_S)
    wait_s *= 1.0 + JITTER * (2.0 * draw - 1.0)
    # The exponent is bounded: what it gives is.
    openings = min(before + 1, 16)
    return Breaker(
        Circuit.OPEN,
        window=breaker.window,
        openings=openings,
        trip=trip,
        open_until=now + wait_s,
        closed_at=breaker.closed_at,
    )


def _forgiven(breaker: Breaker, now: float) -> bool:
    if breaker.circuit is not Circuit.CLOSED or breaker.closed_at is None:
        return False
    return now - breaker.closed_at >= FORGIVEN_AFTER_S


def ramp(breaker: Breaker, now: float) -> float:
    """The share of its usual traffic that a candidate gets: less for a while after an opening."""
    if breaker.closed_at is None:
        return 1.0
    age_s = now - breaker.closed_at
    if age_s >= SLOW_START_S:
        return 1.0
    return SLOW_START_FROM + (1.0 - SLOW_START_FROM) * max(0.0, age_s) / SLOW_START_S


def _counted(
    window: tuple[Bucket, ...], now: float, begun_count: int, *, success: bool
) -> tuple[Bucket, ...]:
    number = int(now // _BUCKET_S)
    if window and window[-1].number == number:
        last = window[-1]
        grown = Bucket(
            number, last.successes + success, last.faults + (not success), last.begun_count
        )
        return (*window[:-1], grown)
    kept = tuple(bucket for bucket in window if bucket.number > number - _BUCKETS)
    # The one that ends now had begun.
    return (*kept, Bucket(number, int(success), int(not success), max(0, begun_count - 1)))
