"""The kinds of values that settings are made of, and what each kind refuses.

No message of a refusal holds the refused value: it may be a secret.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Secret,
    SecretStr,
    StringConstraints,
)

MASK = "********"


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
    )


class SecretUrl(Secret[str]):
    """A URL that may hold a password. Shown without it."""

    @property
    def passwords(self) -> tuple[str, ...]:
        """What must not be seen: the URL as a whole and the password in it, if it has one."""
        password = urlsplit(self.get_secret_value()).password
        return (self.get_secret_value(), unquote(password), password) if password else ()

    def _display(self) -> str:
        parts = urlsplit(self.get_secret_value())
        user, at, host = parts.netloc.rpartition("@")
        if not at:
            return self.get_secret_value()
        shown = user.partition(":")[0] + ":" + MASK if ":" in user else MASK
        return urlunsplit(parts._replace(netloc=f"{shown}@{host}"))


def _credential(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text:
        raise ValueError("must not be empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one line of visible ASCII characters, without spaces")
    return value


def _header(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("must be one line of visible ASCII characters")
    return value


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in schemes:
        raise ValueError(
            f"must be a URL that begins with {' or '.join(f'{s}://' for s in schemes)}"
        )
    return parts


def _base_url(text: str) -> str:
    parts = _split(text, ("http", "https"))
    if not parts.hostname:
        raise ValueError("must be a URL with a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password; put the key into api_key")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or a fragment")
    return text.rstrip("/")


def _redis_url(value: SecretUrl) -> SecretUrl:
    parts = _split(value.get_secret_value(), ("redis", "rediss", "unix"))
    if not (parts.hostname or parts.path):
        raise ValueError("must be a URL with a host")
    return value


def _word(value: Any) -> Any:
    """YAML takes a bare `on` or `off` for a truth value."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value.lower() if isinstance(value, str) else value


Credential = Annotated[SecretStr, AfterValidator(_credential)]
"""An API key."""
HeaderValue = Annotated[SecretStr, AfterValidator(_header)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""An http(s) URL, without a slash at its end."""
RedisUrl = Annotated[SecretUrl, AfterValidator(_redis_url)]
ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}$")]
"""The name of a caller or a tenant."""
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
ENVIRONMENT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
"""It names a file, and must not lead elsewhere."""
EnvironmentName = Annotated[str, StringConstraints(pattern=ENVIRONMENT_PATTERN)]
AnyCase = BeforeValidator(_word)
