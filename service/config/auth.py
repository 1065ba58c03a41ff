"""Settings of identity: which keys and certificates belong to which caller and tenant."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from service.config.values import AnyCase, Credential, Label, Section, Text
from service.domain.permission import Permission

_PIECES = 3
Permissions = frozenset[Annotated[Permission, AnyCase]]
_PERMISSIONS: Permissions = Field(
    default=frozenset(),
    description="What else the caller may do. `cache_admin`: make cached answers void, and read"
    " the cache statistics of all tenants. `analytics_all`: see usage, costs, failures and"
    " alerts of all tenants.",
)


class ApiKeySettings(Section):
    """One API key that the service accepts. Either `key` or `key_sha256`.

    May be written as one text: `TENANT:CALLER:KEY`.
    """

    caller: Label = Field(description="Who calls with it.")
    tenant: Label = Field(description="The caller's tenant.")
    key: Credential | None = Field(default=None, description="The key itself.")
    key_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = Field(
        default=None,
        description="SHA-256 of the key in hexadecimal, so that the key need not be stored here.",
    )
    permissions: Permissions = _PERMISSIONS

    @property
    def digest(self) -> bytes:
        """SHA-256 of the key."""
        if self.key is not None:
            return hashlib.sha256(self.key.get_secret_value().encode()).digest()
        return bytes.fromhex(self.key_sha256 or "")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pieces = value.split(":", _PIECES - 1)
        if len(pieces) != _PIECES:
            raise ValueError("must be of the form TENANT:CALLER:KEY")
        tenant, caller, key = (piece.strip() for piece in pieces)
        return {"tenant": tenant, "caller": caller, "key": key}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.key is None) == (self.key_sha256 is None):
            raise ValueError("needs either key or key_sha256")
        return self


class ClientCertificateSettings(Section):
    """One client certificate, by its name, once its authority is trusted (`server.tls`)."""

    subject: Text = Field(description="Its common name or one of its subject alternative names.")
    caller: Label = Field(description="Who calls with it.")
    tenant: Label = Field(description="The caller's tenant.")
    permissions: Permissions = _PERMISSIONS


class AuthSettings(Section):
    """Who may call. With no key and no certificate everyone may, as the anonymous tenant."""

    keys: tuple[ApiKeySettings, ...] = Field(
        default=(), description="API keys, sent as metadata `authorization: Bearer KEY`."
    )
    client_certificates: tuple[ClientCertificateSettings, ...] = Field(
        default=(), description="Client certificates that stand for a caller."
    )
    anonymous_permissions: Permissions = Field(
        default=frozenset(),
        description="What everyone may do besides where there is neither a key nor a certificate:"
        " for a machine of one's own.",
    )

    @property
    def anonymous(self) -> bool:
        """Whether everyone may call."""
        return not self.keys and not self.client_certificates

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if self.anonymous_permissions and not self.anonymous:
            raise ValueError(
                "anonymous_permissions: with a key or a certificate nobody is anonymous"
            )
        return self

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({key.digest for key in self.keys}) < len(self.keys):
            raise ValueError("keys: the same key stands there twice")
        subjects = {certificate.subject for certificate in self.client_certificates}
        if len(subjects) < len(self.client_certificates):
            raise ValueError("client_certificates: the same subject stands there twice")
        return self
