"""Settings of alerts: the rules, and the webhooks that are told."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from service.config.alert_rules import BUILT_IN_RULES, AlertRuleSettings, RuleName
from service.config.values import Credential, Section
from service.domain.signing import key

_SECRET_BYTES_MIN = 16


def _webhook_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL with a host that begins with http:// or https://")
    return value


def _signing_secret(value: SecretStr) -> SecretStr:
    if len(key(value.get_secret_value())) < _SECRET_BYTES_MIN:
        raise ValueError(f"must have at least {_SECRET_BYTES_MIN} bytes")
    return value


class WebhookSettings(Section):
    """One receiver of alerts. See docs/alerts.md for what it is sent."""

    name: RuleName = Field(description="Its name in the log.")
    url: Annotated[SecretStr, AfterValidator(_webhook_url)] = Field(
        description="Where alerts are sent by POST. It counts as a secret."
    )
    secret: Annotated[Credential, AfterValidator(_signing_secret)] = Field(
        description="What messages are signed with: at least 16 bytes; after `whsec_` in base64."
    )
    rules: frozenset[RuleName] = Field(
        default=frozenset(), description="The rules whose alerts it is sent; empty means all."
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long it may take to answer. Seconds."
    )
    retry_s: float = Field(
        default=900.0,
        ge=0,
        le=86_400,
        description="How long after an alert it is tried again to send it. Seconds.",
    )


class AlertSettings(Section):
    """When operators are told that something is wrong, and by whom."""

    rules: tuple[AlertRuleSettings, ...] | None = Field(
        default=None,
        description="The rules. Unset means two: `provider_down`, for any provider; and"
        " `error_rate`, for a fifth of at least 20 requests in 5 minutes. An empty list means"
        " none.",
    )
    webhooks: tuple[WebhookSettings, ...] = Field(
        default=(), description="Who is told besides the log."
    )
    interval_s: float = Field(
        default=15.0, ge=0.05, le=3600, description="How often rules are evaluated. Seconds."
    )
    repeat_s: float = Field(
        default=14_400.0,
        ge=0,
        le=604_800,
        description="After so long an alert that still fires is told again; 0 means never."
        " Seconds.",
    )

    @property
    def active_rules(self) -> tuple[AlertRuleSettings, ...]:
        return BUILT_IN_RULES if self.rules is None else self.rules

    @model_validator(mode="after")
    def _named(self) -> Self:
        known = {rule.name for rule in self.active_rules}
        if len(known) < len(self.active_rules):
            raise ValueError("rules: the same name stands there twice")
        if len({one.name for one in self.webhooks}) < len(self.webhooks):
            raise ValueError("webhooks: the same name stands there twice")
        for webhook in self.webhooks:
            unknown = ", ".join(sorted(webhook.rules - known))
            if unknown:
                raise ValueError(
                    f"webhooks: {webhook.name} names rules that are not there: {unknown}"
                )
        return self
