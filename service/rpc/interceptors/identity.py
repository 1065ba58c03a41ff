"""Who calls: an API key or a client certificate, turned into a caller and a tenant.

Keys are compared by their SHA-256 alone, so that no key is kept and timing tells nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Identity

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is known. `anonymous` is None when a call must prove who makes it."""

    keys: Mapping[bytes, Identity] = field(default_factory=dict[bytes, Identity])
    """By the SHA-256 digest of the key."""
    certificates: Mapping[str, Identity] = field(default_factory=dict[str, Identity])
    """By common name or subject alternative name."""
    anonymous: Identity | None = None

    def __repr__(self) -> str:
        door = "open" if self.anonymous else "closed"
        return f"<Directory {len(self.keys)} keys, {len(self.certificates)} certificates, {door}>"

    def identify(
        self,
        authorization: str | None,
        auth_context: Callable[[], Mapping[str, Iterable[bytes]]],
    ) -> Identity:
        """Raises ServiceFailure API_KEY_INVALID. A wrong key is never taken for no key."""
        if authorization is not None:
            return self._by_key(authorization)
        if self.certificates:
            properties = auth_context()
            for name in ("x509_common_name", "x509_subject_alternative_name"):
                for value in properties.get(name, ()):
                    identity = self.certificates.get(value.decode(errors="replace"))
                    if identity is not None:
                        return identity
        if self.anonymous is not None:
            return self.anonymous
        raise ServiceFailure(
            ErrorReason.API_KEY_INVALID,
            "no API key: send metadata `authorization: Bearer KEY`, or a known client certificate",
        )

    def _by_key(self, authorization: str) -> Identity:
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise ServiceFailure(
                ErrorReason.API_KEY_INVALID,
                "metadata `authorization` must be of the form `Bearer KEY`",
            )
        digest = hashlib.sha256(authorization[len(_BEARER) :].strip().encode()).digest()
        identity = self.keys.get(digest)
        if identity is None:
            if self.anonymous is not None and not self.keys:
                return self.anonymous
            raise ServiceFailure(ErrorReason.API_KEY_INVALID, "the API key is unknown")
        return identity
