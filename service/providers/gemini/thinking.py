"""How much a model thinks: a budget of tokens for older models, a level for newer ones."""

from __future__ import annotations

from typing import Any

from service.domain.completion import Effort, ReasoningWish
from service.providers.gemini.models import Traits
from service.providers.wire import Omissions

# Google's own figures, for its OpenAI endpoint.
_BUDGETS = {
    Effort.NONE: 0,
    Effort.MINIMAL: 1024,
    Effort.LOW: 1024,
    Effort.MEDIUM: 8192,
    Effort.HIGH: 24576,
}


def thinking_config(
    wish: ReasoningWish | None, model: Traits, omissions: Omissions
) -> dict[str, Any]:
    """The `thinkingConfig`, empty if nothing is wished."""
    if wish is None:
        return {}
    if model.budget and model.budget_min is None:
        _without(wish, omissions)
        return {}
    thinking = _by_budget(wish, model) if model.budget else _by_level(wish, model, omissions)
    if wish.include_text:
        thinking["includeThoughts"] = True
    return thinking


def _without(wish: ReasoningWish, omissions: Omissions) -> None:
    if wish.budget_tokens or wish.effort not in (None, Effort.NONE) or wish.include_text:
        omissions.lacks("spec.reasoning", "the model does not think")


def _by_budget(wish: ReasoningWish, model: Traits) -> dict[str, Any]:
    if wish.budget_tokens is not None:
        return {"thinkingBudget": wish.budget_tokens}
    if wish.effort is None:
        return {}
    return {"thinkingBudget": max(_BUDGETS[wish.effort], model.budget_min or 0)}


def _by_level(wish: ReasoningWish, model: Traits, omissions: Omissions) -> dict[str, Any]:
    effort = wish.effort
    if wish.budget_tokens == 0:
        effort = Effort.NONE
    elif wish.budget_tokens is not None:
        omissions.lacks("spec.reasoning.budget_tokens", "it takes an effort, not a budget")
    match effort:
        case None:
            return {}
        case Effort.NONE | Effort.MINIMAL:
            # These models always think a little.
            return {"thinkingLevel": model.least_level}
        case _:
            return {"thinkingLevel": effort.value}
