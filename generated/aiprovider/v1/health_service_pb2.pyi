import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProviderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVIDER_STATUS_UNSPECIFIED: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_HEALTHY: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_DEGRADED: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_UNHEALTHY: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_DISABLED: _ClassVar[ProviderStatus]
    PROVIDER_STATUS_UNKNOWN: _ClassVar[ProviderStatus]

class CircuitState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CIRCUIT_STATE_UNSPECIFIED: _ClassVar[CircuitState]
    CIRCUIT_STATE_CLOSED: _ClassVar[CircuitState]
    CIRCUIT_STATE_HALF_OPEN: _ClassVar[CircuitState]
    CIRCUIT_STATE_OPEN: _ClassVar[CircuitState]
PROVIDER_STATUS_UNSPECIFIED: ProviderStatus
PROVIDER_STATUS_HEALTHY: ProviderStatus
PROVIDER_STATUS_DEGRADED: ProviderStatus
PROVIDER_STATUS_UNHEALTHY: ProviderStatus
PROVIDER_STATUS_DISABLED: ProviderStatus
PROVIDER_STATUS_UNKNOWN: ProviderStatus
CIRCUIT_STATE_UNSPECIFIED: CircuitState
CIRCUIT_STATE_CLOSED: CircuitState
CIRCUIT_STATE_HALF_OPEN: CircuitState
CIRCUIT_STATE_OPEN: CircuitState

class CheckProvidersRequest(_message.Message):
    __slots__ = ("providers", "force_refresh", "include_models")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    FORCE_REFRESH_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MODELS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedScalarFieldContainer[str]
    force_refresh: bool
    include_models: bool
    def __init__(self, providers: _Optional[_Iterable[str]] = ..., force_refresh: _Optional[bool] = ..., include_models: _Optional[bool] = ...) -> None: ...

class CheckProvidersResponse(_message.Message):
    __slots__ = ("providers", "overall", "check_time", "age", "from_cache")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    FROM_CACHE_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[ProviderHealth]
    overall: ProviderStatus
    check_time: _timestamp_pb2.Timestamp
    age: _duration_pb2.Duration
    from_cache: bool
    def __init__(self, providers: _Optional[_Iterable[_Union[ProviderHealth, _Mapping]]] = ..., overall: _Optional[_Union[ProviderStatus, str]] = ..., check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., from_cache: _Optional[bool] = ...) -> None: ...

class WatchProvidersRequest(_message.Message):
    __slots__ = ("providers",)
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, providers: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchProvidersResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: ProviderHealth
    def __init__(self, provider: _Optional[_Union[ProviderHealth, _Mapping]] = ...) -> None: ...

class ProviderHealth(_message.Message):
    __slots__ = ("provider", "status", "circuit", "success_ratio", "latency_p50", "latency_p95", "time_to_first_token_p50", "window_requests", "last_error_reason", "last_error_time", "cooldown_until_time", "score", "probed", "model", "deployment", "in_flight", "concurrency_limit", "check_duration")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P50_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P95_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_P50_FIELD_NUMBER: _ClassVar[int]
    WINDOW_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_TIME_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PROBED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CHECK_DURATION_FIELD_NUMBER: _ClassVar[int]
    provider: str
    status: ProviderStatus
    circuit: CircuitState
    success_ratio: float
    latency_p50: _duration_pb2.Duration
    latency_p95: _duration_pb2.Duration
    time_to_first_token_p50: _duration_pb2.Duration
    window_requests: int
    last_error_reason: str
    last_error_time: _timestamp_pb2.Timestamp
    cooldown_until_time: _timestamp_pb2.Timestamp
    score: float
    probed: bool
    model: str
    deployment: str
    in_flight: int
    concurrency_limit: int
    check_duration: _duration_pb2.Duration
    def __init__(self, provider: _Optional[str] = ..., status: _Optional[_Union[ProviderStatus, str]] = ..., circuit: _Optional[_Union[CircuitState, str]] = ..., success_ratio: _Optional[float] = ..., latency_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., time_to_first_token_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., window_requests: _Optional[int] = ..., last_error_reason: _Optional[str] = ..., last_error_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cooldown_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., score: _Optional[float] = ..., probed: _Optional[bool] = ..., model: _Optional[str] = ..., deployment: _Optional[str] = ..., in_flight: _Optional[int] = ..., concurrency_limit: _Optional[int] = ..., check_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
