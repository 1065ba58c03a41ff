import datetime

from aiprovider.v1 import usage_pb2 as _usage_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelRef(_message.Message):
    __slots__ = ("provider", "model", "deployment")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    deployment: str
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., deployment: _Optional[str] = ...) -> None: ...

class RoutingPolicy(_message.Message):
    __slots__ = ("objective", "providers", "excluded_providers", "fallback_models", "disable_failover", "max_attempts", "attempt_timeout", "first_token_timeout", "max_cost_nano_usd", "hedge_delay", "regions")
    class Objective(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OBJECTIVE_UNSPECIFIED: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_BALANCED: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_LATENCY: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_COST: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_RELIABILITY: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_WEIGHTED: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_PRIORITY: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_ROUND_ROBIN: _ClassVar[RoutingPolicy.Objective]
        OBJECTIVE_LEAST_IN_FLIGHT: _ClassVar[RoutingPolicy.Objective]
    OBJECTIVE_UNSPECIFIED: RoutingPolicy.Objective
    OBJECTIVE_BALANCED: RoutingPolicy.Objective
    OBJECTIVE_LATENCY: RoutingPolicy.Objective
    OBJECTIVE_COST: RoutingPolicy.Objective
    OBJECTIVE_RELIABILITY: RoutingPolicy.Objective
    OBJECTIVE_WEIGHTED: RoutingPolicy.Objective
    OBJECTIVE_PRIORITY: RoutingPolicy.Objective
    OBJECTIVE_ROUND_ROBIN: RoutingPolicy.Objective
    OBJECTIVE_LEAST_IN_FLIGHT: RoutingPolicy.Objective
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_MODELS_FIELD_NUMBER: _ClassVar[int]
    DISABLE_FAILOVER_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    HEDGE_DELAY_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    objective: RoutingPolicy.Objective
    providers: _containers.RepeatedScalarFieldContainer[str]
    excluded_providers: _containers.RepeatedScalarFieldContainer[str]
    fallback_models: _containers.RepeatedScalarFieldContainer[str]
    disable_failover: bool
    max_attempts: int
    attempt_timeout: _duration_pb2.Duration
    first_token_timeout: _duration_pb2.Duration
    max_cost_nano_usd: int
    hedge_delay: _duration_pb2.Duration
    regions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, objective: _Optional[_Union[RoutingPolicy.Objective, str]] = ..., providers: _Optional[_Iterable[str]] = ..., excluded_providers: _Optional[_Iterable[str]] = ..., fallback_models: _Optional[_Iterable[str]] = ..., disable_failover: _Optional[bool] = ..., max_attempts: _Optional[int] = ..., attempt_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., first_token_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_cost_nano_usd: _Optional[int] = ..., hedge_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., regions: _Optional[_Iterable[str]] = ...) -> None: ...

class CachePolicy(_message.Message):
    __slots__ = ("mode", "ttl", "max_age", "namespace")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[CachePolicy.Mode]
        MODE_READ_WRITE: _ClassVar[CachePolicy.Mode]
        MODE_OFF: _ClassVar[CachePolicy.Mode]
        MODE_REFRESH: _ClassVar[CachePolicy.Mode]
        MODE_READ_ONLY: _ClassVar[CachePolicy.Mode]
        MODE_ONLY_IF_CACHED: _ClassVar[CachePolicy.Mode]
    MODE_UNSPECIFIED: CachePolicy.Mode
    MODE_READ_WRITE: CachePolicy.Mode
    MODE_OFF: CachePolicy.Mode
    MODE_REFRESH: CachePolicy.Mode
    MODE_READ_ONLY: CachePolicy.Mode
    MODE_ONLY_IF_CACHED: CachePolicy.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    mode: CachePolicy.Mode
    ttl: _duration_pb2.Duration
    max_age: _duration_pb2.Duration
    namespace: str
    def __init__(self, mode: _Optional[_Union[CachePolicy.Mode, str]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., namespace: _Optional[str] = ...) -> None: ...

class CacheInfo(_message.Message):
    __slots__ = ("status", "age", "key")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[CacheInfo.Status]
        STATUS_MISS: _ClassVar[CacheInfo.Status]
        STATUS_HIT_LOCAL: _ClassVar[CacheInfo.Status]
        STATUS_HIT_SHARED: _ClassVar[CacheInfo.Status]
        STATUS_COALESCED: _ClassVar[CacheInfo.Status]
        STATUS_BYPASSED: _ClassVar[CacheInfo.Status]
        STATUS_REFRESHED: _ClassVar[CacheInfo.Status]
        STATUS_REPEATED: _ClassVar[CacheInfo.Status]
    STATUS_UNSPECIFIED: CacheInfo.Status
    STATUS_MISS: CacheInfo.Status
    STATUS_HIT_LOCAL: CacheInfo.Status
    STATUS_HIT_SHARED: CacheInfo.Status
    STATUS_COALESCED: CacheInfo.Status
    STATUS_BYPASSED: CacheInfo.Status
    STATUS_REFRESHED: CacheInfo.Status
    STATUS_REPEATED: CacheInfo.Status
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    status: CacheInfo.Status
    age: _duration_pb2.Duration
    key: str
    def __init__(self, status: _Optional[_Union[CacheInfo.Status, str]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., key: _Optional[str] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("target", "outcome", "reason", "grpc_code", "http_status", "duration", "score", "time_to_first_token", "hedge", "usage", "cost", "start_offset")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[Attempt.Outcome]
        OUTCOME_OK: _ClassVar[Attempt.Outcome]
        OUTCOME_FAILED: _ClassVar[Attempt.Outcome]
        OUTCOME_SKIPPED: _ClassVar[Attempt.Outcome]
        OUTCOME_CANCELLED: _ClassVar[Attempt.Outcome]
    OUTCOME_UNSPECIFIED: Attempt.Outcome
    OUTCOME_OK: Attempt.Outcome
    OUTCOME_FAILED: Attempt.Outcome
    OUTCOME_SKIPPED: Attempt.Outcome
    OUTCOME_CANCELLED: Attempt.Outcome
    TARGET_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GRPC_CODE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEDGE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    START_OFFSET_FIELD_NUMBER: _ClassVar[int]
    target: ModelRef
    outcome: Attempt.Outcome
    reason: str
    grpc_code: int
    http_status: int
    duration: _duration_pb2.Duration
    score: float
    time_to_first_token: _duration_pb2.Duration
    hedge: bool
    usage: _usage_pb2.Usage
    cost: _usage_pb2.Cost
    start_offset: _duration_pb2.Duration
    def __init__(self, target: _Optional[_Union[ModelRef, _Mapping]] = ..., outcome: _Optional[_Union[Attempt.Outcome, str]] = ..., reason: _Optional[str] = ..., grpc_code: _Optional[int] = ..., http_status: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., score: _Optional[float] = ..., time_to_first_token: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., hedge: _Optional[bool] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., start_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RouteTrace(_message.Message):
    __slots__ = ("attempts", "policy_version", "policy", "candidates", "propensity", "draw", "trial")
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    attempts: _containers.RepeatedCompositeFieldContainer[Attempt]
    policy_version: str
    policy: str
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    propensity: float
    draw: float
    trial: bool
    def __init__(self, attempts: _Optional[_Iterable[_Union[Attempt, _Mapping]]] = ..., policy_version: _Optional[str] = ..., policy: _Optional[str] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., propensity: _Optional[float] = ..., draw: _Optional[float] = ..., trial: _Optional[bool] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("target", "score", "score_terms", "eligible", "ineligible_reason", "cooldown_until_time", "estimated_cost_nano_usd", "share", "asked_as", "tier", "expected_duration", "quality", "in_flight", "concurrency_limit", "unpriced", "cooldown", "place")
    class ScoreTermsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SCORE_TERMS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    INELIGIBLE_REASON_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    ASKED_AS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    target: ModelRef
    score: float
    score_terms: _containers.ScalarMap[str, float]
    eligible: bool
    ineligible_reason: str
    cooldown_until_time: _timestamp_pb2.Timestamp
    estimated_cost_nano_usd: int
    share: float
    asked_as: str
    tier: int
    expected_duration: _duration_pb2.Duration
    quality: float
    in_flight: int
    concurrency_limit: int
    unpriced: bool
    cooldown: _duration_pb2.Duration
    place: int
    def __init__(self, target: _Optional[_Union[ModelRef, _Mapping]] = ..., score: _Optional[float] = ..., score_terms: _Optional[_Mapping[str, float]] = ..., eligible: _Optional[bool] = ..., ineligible_reason: _Optional[str] = ..., cooldown_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., estimated_cost_nano_usd: _Optional[int] = ..., share: _Optional[float] = ..., asked_as: _Optional[str] = ..., tier: _Optional[int] = ..., expected_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., quality: _Optional[float] = ..., in_flight: _Optional[int] = ..., concurrency_limit: _Optional[int] = ..., unpriced: _Optional[bool] = ..., cooldown: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., place: _Optional[int] = ...) -> None: ...
