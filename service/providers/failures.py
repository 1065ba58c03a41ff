"""What an HTTP status means when nothing says more; any other is the provider's fault."""

from __future__ import annotations

from service.domain.reasons import ErrorReason as Reason

BY_STATUS = {
    400: Reason.INVALID_REQUEST,
    401: Reason.PROVIDER_CREDENTIALS_REJECTED,
    402: Reason.PROVIDER_QUOTA_EXHAUSTED,
    403: Reason.PROVIDER_CREDENTIALS_REJECTED,
    404: Reason.PROVIDER_MODEL_MISSING,
    408: Reason.PROVIDER_TIMEOUT,
    413: Reason.INVALID_REQUEST,
    422: Reason.INVALID_REQUEST,
    429: Reason.PROVIDER_RATE_LIMITED,
    504: Reason.PROVIDER_TIMEOUT,
}
