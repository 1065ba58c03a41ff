"""A planner over a few providers that are alike, and requests to plan."""

from __future__ import annotations

from typing import Any

from service.domain.completion import (
    CompletionSpec,
    Message,
    Role,
    Text,
    Usage,
)
from service.domain.provider import ModelRef
from service.domain.request import CompletionRequest
from service.domain.routing import Plan
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, RouteWish, Rule
from service.pipeline.ended import Ended
from service.pipeline.planner import Planner
from service.pipeline.roster import Roster
from tests.kit.scripted import ScriptedProvider, member
from tests.unit.pipeline.boards import Scene

ONE, TWO = ModelRef("one", "m"), ModelRef("two", "m")
LONG = 4 * (1024 - 4)
"""Bytes of a prompt of one message that is estimated at 1,024 tokens."""
MEMBERS = (
    member(ScriptedProvider(), "one", "m", "n", "r"),
    member(ScriptedProvider(), "two", "m", "n", "r"),
    member(ScriptedProvider(), "three", "r"),
)


class Planning(Scene):
    """A planner over providers that are alike."""

    def __init__(self, *rules: Rule, policy: PolicyName = PolicyName.COMPOSITE) -> None:
        super().__init__()
        self.roster = Roster(MEMBERS, attempts_max=3, rules=rules, bounds=Bounds(POLICIES[policy]))
        self.planner = Planner(self.board)

    def plan(self, asked: CompletionRequest, left_s: float = 60.0) -> Plan:
        return self.planner.plan(self.roster, asked, left_s)

    def share(self, target: ModelRef, asked: CompletionRequest) -> float:
        """The probability with which it is asked first."""
        shares = {ranked.candidate.target: ranked.share for ranked in self.plan(asked).ranked}
        return shares[target]

    def answer(self, asked: CompletionRequest, target: ModelRef, output_tokens: int = 100) -> None:
        self.planner.learn(asked, self.plan(asked), target, Usage(1, output_tokens))

    def speed(self, target: ModelRef, seconds: float) -> None:
        how = Ended(seconds, first_token_s=seconds / 2, spoken_s=seconds / 2, output_tokens=100)
        self.attempt(how, target, 20)


def request(text: str = "Hi", *more: str, model: str = "m", **fields: Any) -> CompletionRequest:
    """`text` begins a conversation; `more` are the turns after it."""
    tenant, wish = fields.pop("tenant", "t"), fields.pop("wish", RouteWish())
    messages = [Message(Role.USER, (Text(said),)) for said in (text, *more)]
    return CompletionRequest(CompletionSpec(model, tuple(messages), **fields), wish, tenant=tenant)
