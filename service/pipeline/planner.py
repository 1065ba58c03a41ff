"""Brings together what a plan is made of: the candidates, how they do, what the request demands.

The choice itself is `domain.routing`'s. Explaining a route is planning it, and asking nobody.
"""

from __future__ import annotations

from service.domain.completion import Usage
from service.domain.needs import needs_of
from service.domain.provider import ModelRef
from service.domain.refusal import unknown
from service.domain.request import CompletionRequest
from service.domain.routing import Plan, RouteRequest, plan_route
from service.domain.scoring import Demand, PolicyName
from service.domain.tokens import estimated_prompt_tokens
from service.pipeline.memory import (
    CACHED_TOKENS_MIN,
    Conversations,
    Lengths,
    conversation_key,
)
from service.pipeline.roster import Roster
from service.pipeline.scoreboard import Scoreboard

_NAMES_MAX = 4096


def attempts_max(roster: Roster, request: CompletionRequest) -> int:
    """How many attempts a request may make."""
    wish = request.wish
    if wish.disable_failover:
        return 1
    return min(wish.attempts_max or roster.attempts_max, roster.attempts_max)


class Planner:
    """`left_s` everywhere is the caller's time, in seconds."""

    def __init__(self, board: Scoreboard) -> None:
        self._board = board
        self._lengths = Lengths()
        self._conversations = Conversations()
        self._turns: dict[str, int] = {}

    def plan(
        self, roster: Roster, request: CompletionRequest, left_s: float, *, asks: bool = True
    ) -> Plan:
        """Raises ServiceFailure MODEL_NOT_FOUND; a plan may leave nobody to ask.

        `asks` is False when nobody will be asked: then nobody's turn is used up.
        """
        spec, wish = request.spec, request.wish
        candidates = roster.candidates(spec.model, wish.fallback_models)
        if not candidates:
            raise unknown(spec.model, roster.offers)
        prompt_tokens = estimated_prompt_tokens(spec)
        output_tokens = self._lengths.expected(spec.model, spec.sampling.max_output_tokens)
        sticky, share = None, 0.0
        if prompt_tokens >= CACHED_TOKENS_MIN and len(candidates) > 1:
            key = conversation_key(spec, request.tenant)
            known = self._conversations.find(key, self._board.clock())
            if known is not None:
                sticky = next((c for c in candidates if c.target == known[0]), None)
                share = min(1.0, known[1] / prompt_tokens)
        bounds = roster.bounds(spec.model, request.tenant, wish.policy)
        round_robin = bounds.policy.name is PolicyName.ROUND_ROBIN
        return plan_route(
            RouteRequest(
                Demand(prompt_tokens, output_tokens, sticky, share),
                wish,
                bounds,
                needs_of(spec),
                left_s,
                attempts_max(roster, request) > 1,
            ),
            self._board.views(candidates),
            self._board.clock(),
            self._board.draw(),
            self._turn(spec.model, asks=asks) if round_robin else 0,
        )

    def _turn(self, model: str, *, asks: bool) -> int:
        turn = self._turns.get(model, 0) + 1
        if asks:
            if len(self._turns) >= _NAMES_MAX:
                self._turns.clear()
            self._turns[model] = turn
        return turn

    def learn(self, request: CompletionRequest, plan: Plan, target: ModelRef, usage: Usage) -> None:
        """After an answer: how long it was, and who knows the conversation now."""
        self._lengths.observe(request.spec.model, usage.output_tokens)
        prompt_tokens = plan.demand.prompt_tokens
        if prompt_tokens >= CACHED_TOKENS_MIN and len(plan.ranked) + len(plan.excluded) > 1:
            key = conversation_key(request.spec, request.tenant)
            self._conversations.remember(key, target, prompt_tokens, self._board.clock())
