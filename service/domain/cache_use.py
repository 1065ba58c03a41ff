"""Whether an answer may be taken from the cache, kept there, and shared with equal calls. Pure.

The configuration lays down a policy by model and tenant; a caller's wishes narrow it, or, where
the policy is to ask, open it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from service.domain.audience import concerns
from service.domain.completion import (
    Completion,
    CompletionSpec,
    FinishReason,
    FunctionTool,
    Refusal,
    ToolCall,
    ToolResult,
)
from service.domain.events import PartDone, StreamEvent, ToolCallDelta


class CacheMode(Enum):
    """The caller's wish, as in `CachePolicy.Mode`."""

    UNSAID = "unsaid"
    READ_WRITE = "read_write"
    OFF = "off"
    REFRESH = "refresh"
    READ_ONLY = "read_only"
    ONLY_IF_CACHED = "only_if_cached"


class KeepPolicy(Enum):
    """Which answers are kept."""

    ALL = "all"
    DETERMINISTIC = "deterministic"
    """Answers to requests with temperature 0 or a seed."""
    OPT_IN = "opt_in"
    """Answers to requests that name a mode."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CacheWish:
    """What a caller says about the cache. None means that it does not."""

    mode: CacheMode = CacheMode.UNSAID
    ttl_s: float | None = None
    max_age_s: float = math.inf
    namespace: str = ""


NO_WISH = CacheWish()


class CacheUse(NamedTuple):
    """What is done for one request. `keep_s` of 0 keeps nothing."""

    read: bool
    keep_s: float
    share: bool
    """Whether it may share one call with equal ones."""
    only: bool = False
    """Whether nobody is to be asked."""
    refresh: bool = False
    keep_refusals: bool = False


@dataclass(frozen=True, slots=True)
class CacheTerms:
    """What the configuration says for one model and tenant."""

    policy: KeepPolicy = KeepPolicy.ALL
    ttl_s: float = 300.0
    ttl_max_s: float = 86_400.0
    keep_refusals: bool = False
    usual: tuple[CacheUse, CacheUse] = field(init=False, compare=False, repr=False)
    """For a caller without wishes: what its request comes to, not deterministic and deterministic.

    Most requests come to one of these, and each one pays for what is not known beforehand.
    """

    def __post_init__(self) -> None:
        usual = (
            cache_use(NO_WISH, self, deterministic=False),
            cache_use(NO_WISH, self, deterministic=True),
        )
        object.__setattr__(self, "usual", usual)


def cache_use(wish: CacheWish, terms: CacheTerms, *, deterministic: bool) -> CacheUse:
    """`deterministic` says that the request has temperature 0 or a seed."""
    mode = wish.mode
    allowed = _allowed(terms.policy, mode, deterministic=deterministic)
    if not allowed or mode is CacheMode.OFF:
        # Whoever takes from the cache or nowhere gets nothing, as policy has it.
        only = mode is CacheMode.ONLY_IF_CACHED
        return CacheUse(read=False, keep_s=0.0, share=False, only=only)
    ttl_s = terms.ttl_s if wish.ttl_s is None else wish.ttl_s
    keeps = mode in (CacheMode.UNSAID, CacheMode.READ_WRITE, CacheMode.REFRESH)
    return CacheUse(
        read=mode is not CacheMode.REFRESH,
        keep_s=min(ttl_s, terms.ttl_max_s) if keeps else 0.0,
        share=True,
        only=mode is CacheMode.ONLY_IF_CACHED,
        refresh=mode is CacheMode.REFRESH,
        keep_refusals=terms.keep_refusals,
    )


def _allowed(policy: KeepPolicy, mode: CacheMode, *, deterministic: bool) -> bool:
    match policy:
        case KeepPolicy.ALL:
            return True
        case KeepPolicy.DETERMINISTIC:
            return deterministic
        case KeepPolicy.OPT_IN:
            return mode is not CacheMode.UNSAID
        case KeepPolicy.OFF:
            return False


@dataclass(frozen=True, slots=True)
class CacheRule:
    """Terms for some: `models` are names or patterns, `tenants` names; empty means all."""

    terms: CacheTerms
    models: tuple[str, ...] = ()
    tenants: frozenset[str] = frozenset()

    def holds(self, model: str, tenant: str) -> bool:
        return concerns(self.models, self.tenants, model, tenant)


@dataclass(frozen=True, slots=True)
class CacheConduct:
    """What the configuration says in all. The first rule that holds decides."""

    terms: CacheTerms = CacheTerms()
    rules: Sequence[CacheRule] = ()
    coalesce: bool = True
    """Whether equal calls in flight share one."""
    coalesce_replicas: bool = True
    """Whether they do across replicas, where there is a shared cache."""
    early_refresh: float = 1.0
    """How eagerly an answer that is often asked for is asked anew before it expires; 0 never."""
    failure_ttl_s: float = 30.0
    """How long it is remembered that a request cannot be answered, whoever is asked."""
    idempotency_ttl_s: float = 3600.0
    """How long the answer to an idempotency key is."""
    entry_bytes_max: int = 8 * 1024 * 1024
    _memo: dict[tuple[str, str], CacheTerms] = field(
        default_factory=dict[tuple[str, str], CacheTerms], compare=False, repr=False
    )

    def terms_for(self, model: str, tenant: str) -> CacheTerms:
        if not self.rules:
            return self.terms
        known = self._memo.get((model, tenant))
        if known is None:
            if len(self._memo) >= _MEMO_MAX:
                # Callers choose the names: what they make up must not fill the memory.
                self._memo.clear()
            rules = (rule.terms for rule in self.rules if rule.holds(model, tenant))
            known = self._memo[model, tenant] = next(rules, self.terms)
        return known


_MEMO_MAX = 4096


def is_repeatable(spec: CompletionSpec) -> bool:
    """Whether `spec` tells of no deed outside: of no result of a tool that is marked so."""
    marked = _marked(spec)
    if not marked:
        return True
    calls = {
        part.id: part.name
        for message in spec.messages
        for part in message.parts
        if isinstance(part, ToolCall)
    }
    return not any(
        (part.name or calls.get(part.tool_call_id)) in marked
        for message in spec.messages
        for part in message.parts
        if isinstance(part, ToolResult)
    )


@dataclass(slots=True)
class Gist:
    """What of an answer decides whether it is kept, gathered as it comes."""

    refused: bool = False
    called: set[str] = field(default_factory=set[str])
    """The functions that it calls."""

    def hear(self, event: StreamEvent) -> None:
        if isinstance(event, ToolCallDelta):
            if event.name:
                self.called.add(event.name)
        elif isinstance(event, PartDone) and isinstance(event.part, Refusal):
            self.refused = True


def gist_of(completion: Completion) -> Gist:
    return Gist(
        any(isinstance(part, Refusal) for part in completion.parts),
        {part.name for part in completion.parts if isinstance(part, ToolCall)},
    )


def is_keepable(
    spec: CompletionSpec, gist: Gist, reason: FinishReason, *, keep_refusals: bool
) -> bool:
    """Whether an answer to a repeatable `spec` may be told again."""
    if gist.refused and not keep_refusals:
        return False
    if reason not in _COMPLETE and not (keep_refusals and reason in _DECLINED):
        return False
    return not gist.called or gist.called.isdisjoint(_marked(spec))


_COMPLETE = frozenset({FinishReason.STOP, FinishReason.MAX_TOKENS, FinishReason.TOOL_CALLS})
_DECLINED = frozenset({FinishReason.REFUSAL, FinishReason.CONTENT_FILTER})


def _marked(spec: CompletionSpec) -> frozenset[str]:
    if not spec.tools:
        return frozenset()
    return frozenset(
        tool.name for tool in spec.tools if isinstance(tool, FunctionTool) and tool.has_side_effects
    )


def refresh_is_due(
    now: float, expires_at: float, took_s: float, eagerness: float, draw: float
) -> bool:
    """Whether an answer is to be asked anew although it has not expired.

    The nearer its end, and the longer it takes, the likelier: of many requests in its last moments
    one asks, and none waits. `draw` is in [0, 1). After Vattani, Chierichetti and Lowenstein,
    "Optimal Probabilistic Cache Stampede Prevention" (VLDB 2015), where eagerness is called beta.
    """
    if eagerness <= 0.0:
        return False
    return now - took_s * eagerness * math.log(1.0 - draw) >= expires_at
