"""Settings of routing: who is asked first, what stands in for what, what is remembered of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from service.config.values import AnyCase, Label, Section, Text
from service.domain.scoring import PolicyName

_MIB = 1024 * 1024
Policy = Annotated[PolicyName, AnyCase]


def _plain(name: str) -> str:
    if any(character in name for character in "*?["):
        raise ValueError("must be the name of one model, not a pattern")
    return name


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("must name at least one model")
    return names


ModelName = Annotated[Text, AfterValidator(_plain)]
ModelNames = Annotated[tuple[ModelName, ...], AfterValidator(_some)]


class CompositeSettings(Section):
    """What the three terms of the policy `composite` weigh."""

    success: float = Field(default=0.4, ge=0, le=1, description="The share of successes.")
    time: float = Field(default=0.3, ge=0, le=1, description="The expected time.")
    health: float = Field(default=0.3, ge=0, le=1, description="The health.")


class RuleSettings(Section):
    """How some requests are routed: the first rule that holds for the model and the tenant."""

    models: tuple[Text, ...] = Field(
        default=(), description="Names or patterns that callers ask for; empty means all."
    )
    tenants: frozenset[Label] = Field(default=frozenset(), description="Tenants; empty means all.")
    policy: Policy | None = Field(default=None, description="Unset means `routing.policy`.")
    providers: frozenset[Text] = Field(
        default=frozenset(), description="Only these providers may be asked; empty means all."
    )
    excluded_providers: frozenset[Text] = Field(
        default=frozenset(), description="These providers are never asked."
    )
    regions: frozenset[Text] = Field(
        default=frozenset(), description="Only deployments in these regions; empty means all."
    )


def _in_a_folder(file: Path) -> Path:
    try:
        in_a_folder, is_folder = file.parent.is_dir(), file.is_dir()
    except OSError as error:
        raise ValueError(f"cannot be looked at: {error.strerror}") from None
    if not in_a_folder:
        raise ValueError("the folder that it is to be in does not exist")
    if is_folder:
        raise ValueError("must be a file, and is a folder")
    return file


class DecisionLogSettings(Section):
    """A file of routing decisions, for `python -m service replay`. It holds no word of a prompt."""

    file: Annotated[Path, AfterValidator(_in_a_folder)] | None = Field(
        default=None, description="Where; unset means that none is kept."
    )
    sample: float = Field(
        default=1.0, ge=0, le=1, description="The share of requests that is written."
    )
    bytes_max: int = Field(
        default=64 * _MIB,
        ge=_MIB,
        le=1024 * 1024 * _MIB,
        description="At this size the file is put aside as `FILE.1`, in place of an older one."
        " Bytes.",
    )


class RoutingSettings(Section):
    """Who is asked first, and who next."""

    policy: Policy = Field(
        default=PolicyName.COMPOSITE,
        description="How candidates are ordered where neither a caller nor a rule says.",
    )
    composite: CompositeSettings = Field(
        default=CompositeSettings(), description="The weights of `composite`."
    )
    aliases: dict[ModelName, ModelNames] = Field(
        default_factory=dict,
        description="Names of our own for several models that are equally welcome,"
        " such as `fast: [gpt-4o-mini, gemini-2.5-flash]`.",
    )
    fallbacks: dict[ModelName, ModelNames] = Field(
        default_factory=dict,
        description="Models to try, in order, when no provider of the asked one can answer"
        " and the caller names none.",
    )
    rules: tuple[RuleSettings, ...] = Field(
        default=(), description="Exceptions, for some models or tenants."
    )
    listen: bool = Field(
        default=True,
        description="Whether a whole answer is awaited as a stream where another candidate could"
        " take over: only so can silence be told from thought.",
    )
    share: bool = Field(
        default=True,
        description="Whether replicas tell each other of outages and quotas, through"
        " `cache.redis_url` where that is set.",
    )
    decision_log: DecisionLogSettings = Field(
        default=DecisionLogSettings(), description="What is remembered of decisions."
    )

    @model_validator(mode="after")
    def _resolvable(self) -> Self:
        nested = [
            f"aliases: {name!r} stands for another alias, {model!r}"
            for name, models in self.aliases.items()
            for model in models
            if model in self.aliases
        ]
        if nested:
            raise ValueError("; ".join(nested))
        return self
