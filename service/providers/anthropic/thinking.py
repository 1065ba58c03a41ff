"""How much a model thinks: a budget of tokens for older models, an effort for newer ones."""

from __future__ import annotations

from typing import Any

from service.domain.completion import Effort, ReasoningWish
from service.domain.provider import ProviderCall
from service.providers.anthropic.models import Traits
from service.providers.wire import Omissions

# Anthropic demands a limit; this one every model allows.
_MAX_TOKENS = 4096
_BUDGET_MIN_TOKENS = 1024
# What an effort is worth where a model counts its reasoning in tokens.
_BUDGETS = {
    Effort.MINIMAL: 1024,
    Effort.LOW: 2048,
    Effort.MEDIUM: 8192,
    Effort.HIGH: 16384,
}
_EFFORTS = {
    Effort.MINIMAL: "low",
    Effort.LOW: "low",
    Effort.MEDIUM: "medium",
    Effort.HIGH: "high",
}


def max_tokens(call: ProviderCall, model: Traits) -> int:
    """The limit of the answer, reasoning included. A default makes room for a wished budget."""
    limit = call.spec.sampling.max_output_tokens
    if limit is not None:
        return limit
    default = call.defaults.max_output_tokens or _MAX_TOKENS
    wish = call.spec.reasoning
    budget = wish.budget_tokens if wish is not None and model.budget else None
    return default + (budget or 0)


def think(
    body: dict[str, Any], wish: ReasoningWish | None, model: Traits, omissions: Omissions
) -> None:
    """Puts `thinking` and `output_config.effort` into the body."""
    if wish is None:
        return
    if wish.budget_tokens and model.budget:
        body["thinking"] = {"type": "enabled", "budget_tokens": wish.budget_tokens}
    elif wish.budget_tokens == 0 or (wish.budget_tokens is None and wish.effort is Effort.NONE):
        _rest(body, model)
    elif model.adaptive:
        _adapt(body, wish, omissions)
    else:
        _budget(body, wish, omissions)


def thinks(body: dict[str, Any]) -> bool:
    """True if this request asks the model to think."""
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _rest(body: dict[str, Any], model: Traits) -> None:
    if model.always_thinks:
        body["output_config"] = {"effort": "low"}
    elif model.thinks_unasked:
        body["thinking"] = {"type": "disabled"}


def _adapt(body: dict[str, Any], wish: ReasoningWish, omissions: Omissions) -> None:
    if wish.budget_tokens is not None:
        omissions.lacks("spec.reasoning.budget_tokens", "it takes an effort, not a budget")
    thinking = {"type": "adaptive"}
    if wish.include_text:
        thinking["display"] = "summarized"
    body["thinking"] = thinking
    effort = _EFFORTS.get(wish.effort) if wish.effort is not None else None
    if effort:
        body["output_config"] = {"effort": effort}


def _budget(body: dict[str, Any], wish: ReasoningWish, omissions: Omissions) -> None:
    if wish.effort is None and not wish.include_text:
        return
    if body["max_tokens"] <= _BUDGET_MIN_TOKENS:
        omissions.lacks("spec.reasoning", f"it needs more than {_BUDGET_MIN_TOKENS} output tokens")
        return
    wanted = _BUDGETS[wish.effort or Effort.LOW]
    # The answer needs room too: half of the limit.
    budget = max(_BUDGET_MIN_TOKENS, min(wanted, body["max_tokens"] // 2))
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
