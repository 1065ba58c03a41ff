"""How a webhook's messages are signed, as Standard Webhooks lays down. Pure.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def signature(message_id: str, at_s: int, body: bytes, secret: str) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `ID.SECONDS.BODY`. Raises ValueError as `key` does."""
    text = f"{message_id}.{at_s}.".encode() + body
    digest = hmac.new(key(secret), text, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def key(secret: str) -> bytes:
    """A secret `whsec_…` is base64, any other one is taken as it is. Raises ValueError."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("what follows `whsec_` must be base64") from None
