"""Who can be asked right now: one immutable snapshot, replaced whole by a reload.

A request leases the snapshot it was planned on, so that a reload never closes a provider under a
call in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from service.domain.candidate import Candidate, Names, candidates
from service.domain.fingerprint import answer_scope, answering
from service.domain.provider import Defaults, ModelRef, Offer, OnUnsupported
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, RouteWish, Rule, barred
from service.ports import Provider

_MEMO_MAX = 4096
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one attempt may take, in seconds. The caller's deadline always wins."""

    attempt_s: float
    """From its start to its end."""
    first_token_s: float
    """From its start to the first event of a stream, at most."""
    idle_s: float
    """Between two events of a stream."""


@dataclass(frozen=True, slots=True)
class Member:
    """One deployment of a provider with the terms on which it is asked.

    `listens` says that a whole answer may be asked for as a stream, where silence can be told from
    thought.
    """

    provider: Provider
    offer: Offer
    limits: TimeLimits
    defaults: Defaults
    on_unsupported: OnUnsupported = OnUnsupported.REFUSE
    listens: bool = True
    server: str = ""
    """Which server answers under the provider's name: with another one, answers are others'."""
    takes_trace_context: bool = False
    """Whether it is told in which trace it is asked."""


class Roster:
    """The members, and how many requests still use them. Offers are sorted by priority."""

    def __init__(
        self,
        members: Sequence[Member],
        *,
        attempts_max: int,
        names: Names = Names(),
        rules: Sequence[Rule] = (),
        bounds: Bounds = Bounds(),
    ) -> None:
        ordered = sorted(members, key=lambda member: member.offer.priority)
        self.members: Mapping[tuple[str, str], Member] = {
            (member.offer.provider, member.offer.deployment): member for member in ordered
        }
        self.offers: tuple[Offer, ...] = tuple(member.offer for member in ordered)
        self.attempts_max = attempts_max
        self.names = names
        self._rules = rules
        self._bounds = bounds
        self._candidates: dict[tuple[str, tuple[str, ...]], tuple[Candidate, ...]] = {}
        self._bounds_of: dict[tuple[str, str, PolicyName | None], Bounds] = {}
        self._scopes: dict[tuple[str, str, str, RouteWish], bytes] = {}
        self._lease_count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(offer.provider for offer in self.offers))
        return f"<Roster {names or 'empty'}; {self._lease_count} leases>"

    def member(self, target: ModelRef) -> Member:
        return self.members[target.provider, target.deployment]

    def candidates(self, model: str, fallback_models: tuple[str, ...]) -> tuple[Candidate, ...]:
        """Everyone who serves these names. Equal names give the very same candidates."""
        key = (model, fallback_models)
        known = self._candidates.get(key)
        if known is None:
            known = candidates(model, fallback_models, self.names, self.offers)
            _remember(self._candidates, key, known)
        return known

    def bounds(self, model: str, tenant: str, policy: PolicyName | None) -> Bounds:
        """What the configuration lays down: the first rule that holds; `policy` is the caller's."""
        key = (model, tenant, policy)
        known = self._bounds_of.get(key)
        if known is None:
            rules = (rule.bounds for rule in self._rules if rule.holds(model, tenant))
            known = next(rules, self._bounds)
            if policy is not None and policy is not known.policy.name:
                known = replace(known, policy=POLICIES[policy])
            _remember(self._bounds_of, key, known)
        return known

    def scope(self, model: str, tenant: str, namespace: str, wish: RouteWish) -> bytes:
        """A digest of who may answer such a request, and on which terms, whatever their state.

        Whoever asks the same under an equal one would be content with the same answer.
        """
        key = (model, tenant, namespace, wish)
        known = self._scopes.get(key)
        if known is None:
            bounds = self.bounds(model, tenant, wish.policy)
            found = self.candidates(model, wish.fallback_models)
            allowed = (one for one in found if barred(one, wish, bounds) is None)
            told = answering(bounds.policy.name.value, map(self._terms, allowed))
            known = answer_scope(tenant, namespace, told)
            _remember(self._scopes, key, known)
        return known

    def _terms(self, candidate: Candidate) -> tuple[str, ...]:
        target = candidate.target
        member = self.member(target)
        told = (
            (target.provider, target.deployment, target.model, member.server),
            (candidate.asked_as, str(candidate.tier)),
            (repr(member.defaults), member.on_unsupported.value),
        )
        return tuple(text for group in told for text in group)

    def lease(self) -> _Lease:
        """A with-block that gives the roster, which is in use until it ends."""
        return _Lease(self)

    def taken(self) -> None:
        self._lease_count += 1
        self._idle.clear()

    def returned(self) -> None:
        self._lease_count -= 1
        if not self._lease_count:
            self._idle.set()

    async def idle(self) -> None:
        """Waits until no request uses this snapshot."""
        await self._idle.wait()


class _Lease:
    """On the path of every request: a class costs a fraction of a generator."""

    __slots__ = ("_roster",)

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def __enter__(self) -> Roster:
        self._roster.taken()
        return self._roster

    def __exit__(self, *_: object) -> None:
        self._roster.returned()


def _remember(memo: dict[K, V], key: K, value: V) -> None:
    # Callers choose the names: what they make up must not fill the memory.
    if len(memo) >= _MEMO_MAX:
        memo.clear()
    memo[key] = value
