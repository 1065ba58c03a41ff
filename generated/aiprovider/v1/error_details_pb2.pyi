from aiprovider.v1 import routing_pb2 as _routing_pb2
from aiprovider.v1 import usage_pb2 as _usage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_UNSUPPORTED_PARAMETER: _ClassVar[ErrorReason]
    ERROR_REASON_CONTEXT_WINDOW_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_CONTENT_POLICY_VIOLATION: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_MODEL_MISSING: _ClassVar[ErrorReason]
    ERROR_REASON_API_KEY_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_MODEL_NOT_ALLOWED: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_CREDENTIALS_REJECTED: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_RATE_LIMITED: _ClassVar[ErrorReason]
    ERROR_REASON_TENANT_RATE_LIMITED: _ClassVar[ErrorReason]
    ERROR_REASON_TENANT_BUDGET_EXHAUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_SERVER_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_SERVER_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_TIMEOUT: _ClassVar[ErrorReason]
    ERROR_REASON_NO_HEALTHY_PROVIDER: _ClassVar[ErrorReason]
    ERROR_REASON_NO_CAPABLE_PROVIDER: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_TOO_SHORT: _ClassVar[ErrorReason]
    ERROR_REASON_CANCELLED: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_INTERRUPTED: _ClassVar[ErrorReason]
    ERROR_REASON_PROVIDER_RESPONSE_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_CACHE_MISS: _ClassVar[ErrorReason]
    ERROR_REASON_IDEMPOTENCY_KEY_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_IMPLEMENTED: _ClassVar[ErrorReason]
    ERROR_REASON_SHARED_CACHE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_LEDGER_UNAVAILABLE: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_UNSUPPORTED_PARAMETER: ErrorReason
ERROR_REASON_CONTEXT_WINDOW_EXCEEDED: ErrorReason
ERROR_REASON_CONTENT_POLICY_VIOLATION: ErrorReason
ERROR_REASON_MODEL_NOT_FOUND: ErrorReason
ERROR_REASON_PROVIDER_MODEL_MISSING: ErrorReason
ERROR_REASON_API_KEY_INVALID: ErrorReason
ERROR_REASON_MODEL_NOT_ALLOWED: ErrorReason
ERROR_REASON_PROVIDER_CREDENTIALS_REJECTED: ErrorReason
ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED: ErrorReason
ERROR_REASON_PROVIDER_RATE_LIMITED: ErrorReason
ERROR_REASON_TENANT_RATE_LIMITED: ErrorReason
ERROR_REASON_TENANT_BUDGET_EXHAUSTED: ErrorReason
ERROR_REASON_SERVER_OVERLOADED: ErrorReason
ERROR_REASON_SERVER_DRAINING: ErrorReason
ERROR_REASON_PROVIDER_UNAVAILABLE: ErrorReason
ERROR_REASON_PROVIDER_TIMEOUT: ErrorReason
ERROR_REASON_NO_HEALTHY_PROVIDER: ErrorReason
ERROR_REASON_NO_CAPABLE_PROVIDER: ErrorReason
ERROR_REASON_DEADLINE_EXCEEDED: ErrorReason
ERROR_REASON_DEADLINE_TOO_SHORT: ErrorReason
ERROR_REASON_CANCELLED: ErrorReason
ERROR_REASON_STREAM_INTERRUPTED: ErrorReason
ERROR_REASON_PROVIDER_RESPONSE_INVALID: ErrorReason
ERROR_REASON_CACHE_MISS: ErrorReason
ERROR_REASON_IDEMPOTENCY_KEY_REUSED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_NOT_IMPLEMENTED: ErrorReason
ERROR_REASON_SHARED_CACHE_UNAVAILABLE: ErrorReason
ERROR_REASON_LEDGER_UNAVAILABLE: ErrorReason

class FailureDetail(_message.Message):
    __slots__ = ("attempts", "partial_usage", "partial_cost", "last_sequence", "route", "cache")
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_USAGE_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_COST_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    attempts: _containers.RepeatedCompositeFieldContainer[_routing_pb2.Attempt]
    partial_usage: _usage_pb2.Usage
    partial_cost: _usage_pb2.Cost
    last_sequence: int
    route: _routing_pb2.RouteTrace
    cache: _routing_pb2.CacheInfo
    def __init__(self, attempts: _Optional[_Iterable[_Union[_routing_pb2.Attempt, _Mapping]]] = ..., partial_usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., partial_cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., last_sequence: _Optional[int] = ..., route: _Optional[_Union[_routing_pb2.RouteTrace, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CacheInfo, _Mapping]] = ...) -> None: ...
