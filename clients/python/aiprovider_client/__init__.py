"""Client of the AI Provider Service: typed calls, typed failures, retries, deadlines.

async with Client("localhost:8005") as client:
    answer = await client.complete("gpt-4o", "Say hello.")
    print(answer.text)
"""

from aiprovider_client.answers import Answer
from aiprovider_client.caching import CacheMode, Caching
from aiprovider_client.channel import Tls
from aiprovider_client.client import Client
from aiprovider_client.errors import (
    AIProviderError,
    AuthenticationError,
    CacheMissError,
    DeadlineError,
    IdempotencyKeyReusedError,
    IncompleteStreamError,
    InternalServiceError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    NotImplementedByServiceError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitedError,
    SharedCacheError,
    StreamInterruptedError,
    StreamRestartedError,
    UnreachableError,
)
from aiprovider_client.inquiry import Inquiry
from aiprovider_client.routing import Objective, Routing
from aiprovider_client.streams import AnswerStream, Restarted

__all__ = [
    "AIProviderError",
    "Answer",
    "AnswerStream",
    "AuthenticationError",
    "CacheMissError",
    "CacheMode",
    "Caching",
    "Client",
    "DeadlineError",
    "IdempotencyKeyReusedError",
    "IncompleteStreamError",
    "Inquiry",
    "InternalServiceError",
    "InvalidRequestError",
    "LedgerError",
    "NotFoundError",
    "NotImplementedByServiceError",
    "Objective",
    "OverloadedError",
    "PermissionDeniedError",
    "ProviderError",
    "RateLimitedError",
    "Restarted",
    "Routing",
    "SharedCacheError",
    "StreamInterruptedError",
    "StreamRestartedError",
    "Tls",
    "UnreachableError",
]
