import datetime

from aiprovider.v1 import alert_pb2 as _alert_pb2
from aiprovider.v1 import health_service_pb2 as _health_service_pb2
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

class UsageDimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_DIMENSION_UNSPECIFIED: _ClassVar[UsageDimension]
    USAGE_DIMENSION_PROVIDER: _ClassVar[UsageDimension]
    USAGE_DIMENSION_MODEL: _ClassVar[UsageDimension]
    USAGE_DIMENSION_TENANT: _ClassVar[UsageDimension]
    USAGE_DIMENSION_METHOD: _ClassVar[UsageDimension]
    USAGE_DIMENSION_STATUS: _ClassVar[UsageDimension]
    USAGE_DIMENSION_LABEL: _ClassVar[UsageDimension]
    USAGE_DIMENSION_CACHE_STATUS: _ClassVar[UsageDimension]

class AnalyticsOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANALYTICS_ORDER_UNSPECIFIED: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_REQUESTS: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_COST: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_ERRORS: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_TOKENS: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_LATENCY: _ClassVar[AnalyticsOrder]
    ANALYTICS_ORDER_NAME: _ClassVar[AnalyticsOrder]

class FaultOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_OWNER_UNSPECIFIED: _ClassVar[FaultOwner]
    FAULT_OWNER_CALLER: _ClassVar[FaultOwner]
    FAULT_OWNER_PROVIDER: _ClassVar[FaultOwner]
    FAULT_OWNER_SERVICE: _ClassVar[FaultOwner]
USAGE_DIMENSION_UNSPECIFIED: UsageDimension
USAGE_DIMENSION_PROVIDER: UsageDimension
USAGE_DIMENSION_MODEL: UsageDimension
USAGE_DIMENSION_TENANT: UsageDimension
USAGE_DIMENSION_METHOD: UsageDimension
USAGE_DIMENSION_STATUS: UsageDimension
USAGE_DIMENSION_LABEL: UsageDimension
USAGE_DIMENSION_CACHE_STATUS: UsageDimension
ANALYTICS_ORDER_UNSPECIFIED: AnalyticsOrder
ANALYTICS_ORDER_REQUESTS: AnalyticsOrder
ANALYTICS_ORDER_COST: AnalyticsOrder
ANALYTICS_ORDER_ERRORS: AnalyticsOrder
ANALYTICS_ORDER_TOKENS: AnalyticsOrder
ANALYTICS_ORDER_LATENCY: AnalyticsOrder
ANALYTICS_ORDER_NAME: AnalyticsOrder
FAULT_OWNER_UNSPECIFIED: FaultOwner
FAULT_OWNER_CALLER: FaultOwner
FAULT_OWNER_PROVIDER: FaultOwner
FAULT_OWNER_SERVICE: FaultOwner

class QueryUsageRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "step", "group_by", "filters", "label_key", "page_size", "page_token", "order_by", "limit")
    class FiltersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    LABEL_KEY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    group_by: _containers.RepeatedScalarFieldContainer[UsageDimension]
    filters: _containers.ScalarMap[str, str]
    label_key: str
    page_size: int
    page_token: str
    order_by: AnalyticsOrder
    limit: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., group_by: _Optional[_Iterable[_Union[UsageDimension, str]]] = ..., filters: _Optional[_Mapping[str, str]] = ..., label_key: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order_by: _Optional[_Union[AnalyticsOrder, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class QueryUsageResponse(_message.Message):
    __slots__ = ("buckets", "total", "next_page_token", "data_until_time")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[UsageBucket]
    total: UsageBucket
    next_page_token: str
    data_until_time: _timestamp_pb2.Timestamp
    def __init__(self, buckets: _Optional[_Iterable[_Union[UsageBucket, _Mapping]]] = ..., total: _Optional[_Union[UsageBucket, _Mapping]] = ..., next_page_token: _Optional[str] = ..., data_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UsageBucket(_message.Message):
    __slots__ = ("start_time", "dimensions", "requests", "errors", "cache_hits", "failovers", "usage", "cost", "latency_p50", "latency_p95", "latency_p99", "time_to_first_token_p50", "attempts", "unpriced_attempts", "cache", "cancelled")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    CACHE_HITS_FIELD_NUMBER: _ClassVar[int]
    FAILOVERS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P50_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P95_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P99_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_P50_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    dimensions: _containers.ScalarMap[str, str]
    requests: int
    errors: int
    cache_hits: int
    failovers: int
    usage: _usage_pb2.Usage
    cost: _usage_pb2.Cost
    latency_p50: _duration_pb2.Duration
    latency_p95: _duration_pb2.Duration
    latency_p99: _duration_pb2.Duration
    time_to_first_token_p50: _duration_pb2.Duration
    attempts: int
    unpriced_attempts: int
    cache: CacheCounts
    cancelled: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., requests: _Optional[int] = ..., errors: _Optional[int] = ..., cache_hits: _Optional[int] = ..., failovers: _Optional[int] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., latency_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., time_to_first_token_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempts: _Optional[int] = ..., unpriced_attempts: _Optional[int] = ..., cache: _Optional[_Union[CacheCounts, _Mapping]] = ..., cancelled: _Optional[int] = ...) -> None: ...

class CacheCounts(_message.Message):
    __slots__ = ("local_hits", "shared_hits", "misses", "coalesced", "bypassed", "refreshed", "repeated")
    LOCAL_HITS_FIELD_NUMBER: _ClassVar[int]
    SHARED_HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    COALESCED_FIELD_NUMBER: _ClassVar[int]
    BYPASSED_FIELD_NUMBER: _ClassVar[int]
    REFRESHED_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    local_hits: int
    shared_hits: int
    misses: int
    coalesced: int
    bypassed: int
    refreshed: int
    repeated: int
    def __init__(self, local_hits: _Optional[int] = ..., shared_hits: _Optional[int] = ..., misses: _Optional[int] = ..., coalesced: _Optional[int] = ..., bypassed: _Optional[int] = ..., refreshed: _Optional[int] = ..., repeated: _Optional[int] = ...) -> None: ...

class AnalyticsQuery(_message.Message):
    __slots__ = ("start_time", "end_time", "step", "group_by", "filters", "label_key", "page_size", "page_token", "order_by", "limit")
    class FiltersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    LABEL_KEY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    group_by: _containers.RepeatedScalarFieldContainer[UsageDimension]
    filters: _containers.ScalarMap[str, str]
    label_key: str
    page_size: int
    page_token: str
    order_by: AnalyticsOrder
    limit: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., group_by: _Optional[_Iterable[_Union[UsageDimension, str]]] = ..., filters: _Optional[_Mapping[str, str]] = ..., label_key: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order_by: _Optional[_Union[AnalyticsOrder, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class LatencySummary(_message.Message):
    __slots__ = ("count", "mean", "p50", "p95", "p99")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    count: int
    mean: _duration_pb2.Duration
    p50: _duration_pb2.Duration
    p95: _duration_pb2.Duration
    p99: _duration_pb2.Duration
    def __init__(self, count: _Optional[int] = ..., mean: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class QueryPerformanceRequest(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: AnalyticsQuery
    def __init__(self, query: _Optional[_Union[AnalyticsQuery, _Mapping]] = ...) -> None: ...

class QueryPerformanceResponse(_message.Message):
    __slots__ = ("buckets", "total", "next_page_token", "data_until_time")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[PerformanceBucket]
    total: PerformanceBucket
    next_page_token: str
    data_until_time: _timestamp_pb2.Timestamp
    def __init__(self, buckets: _Optional[_Iterable[_Union[PerformanceBucket, _Mapping]]] = ..., total: _Optional[_Union[PerformanceBucket, _Mapping]] = ..., next_page_token: _Optional[str] = ..., data_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PerformanceBucket(_message.Message):
    __slots__ = ("start_time", "dimensions", "requests", "total_duration", "time_to_first_token", "time_per_output_token", "provider_duration", "overhead", "requests_per_second", "output_tokens_per_second", "mean_concurrency", "p95_concurrency", "peak_concurrency")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TIME_PER_OUTPUT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_DURATION_FIELD_NUMBER: _ClassVar[int]
    OVERHEAD_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MEAN_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    P95_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PEAK_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    dimensions: _containers.ScalarMap[str, str]
    requests: int
    total_duration: LatencySummary
    time_to_first_token: LatencySummary
    time_per_output_token: LatencySummary
    provider_duration: LatencySummary
    overhead: LatencySummary
    requests_per_second: float
    output_tokens_per_second: float
    mean_concurrency: float
    p95_concurrency: int
    peak_concurrency: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., requests: _Optional[int] = ..., total_duration: _Optional[_Union[LatencySummary, _Mapping]] = ..., time_to_first_token: _Optional[_Union[LatencySummary, _Mapping]] = ..., time_per_output_token: _Optional[_Union[LatencySummary, _Mapping]] = ..., provider_duration: _Optional[_Union[LatencySummary, _Mapping]] = ..., overhead: _Optional[_Union[LatencySummary, _Mapping]] = ..., requests_per_second: _Optional[float] = ..., output_tokens_per_second: _Optional[float] = ..., mean_concurrency: _Optional[float] = ..., p95_concurrency: _Optional[int] = ..., peak_concurrency: _Optional[int] = ...) -> None: ...

class QueryCostsRequest(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: AnalyticsQuery
    def __init__(self, query: _Optional[_Union[AnalyticsQuery, _Mapping]] = ...) -> None: ...

class QueryCostsResponse(_message.Message):
    __slots__ = ("buckets", "total", "next_page_token", "data_until_time")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[CostBucket]
    total: CostBucket
    next_page_token: str
    data_until_time: _timestamp_pb2.Timestamp
    def __init__(self, buckets: _Optional[_Iterable[_Union[CostBucket, _Mapping]]] = ..., total: _Optional[_Union[CostBucket, _Mapping]] = ..., next_page_token: _Optional[str] = ..., data_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CostBucket(_message.Message):
    __slots__ = ("start_time", "dimensions", "requests", "attempts", "cost", "unpriced_attempts", "estimated_nano_usd", "unanswered_nano_usd", "nano_usd_per_request", "savings")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    NANO_USD_PER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SAVINGS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    dimensions: _containers.ScalarMap[str, str]
    requests: int
    attempts: int
    cost: _usage_pb2.Cost
    unpriced_attempts: int
    estimated_nano_usd: int
    unanswered_nano_usd: int
    nano_usd_per_request: int
    savings: Savings
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., requests: _Optional[int] = ..., attempts: _Optional[int] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., unpriced_attempts: _Optional[int] = ..., estimated_nano_usd: _Optional[int] = ..., unanswered_nano_usd: _Optional[int] = ..., nano_usd_per_request: _Optional[int] = ..., savings: _Optional[_Union[Savings, _Mapping]] = ...) -> None: ...

class Savings(_message.Message):
    __slots__ = ("cache_nano_usd", "coalescing_nano_usd", "repeats_nano_usd", "unpriced_requests", "duration", "routing_expected_nano_usd", "routing_attempts")
    CACHE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    COALESCING_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    REPEATS_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ROUTING_EXPECTED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    ROUTING_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    cache_nano_usd: int
    coalescing_nano_usd: int
    repeats_nano_usd: int
    unpriced_requests: int
    duration: _duration_pb2.Duration
    routing_expected_nano_usd: int
    routing_attempts: int
    def __init__(self, cache_nano_usd: _Optional[int] = ..., coalescing_nano_usd: _Optional[int] = ..., repeats_nano_usd: _Optional[int] = ..., unpriced_requests: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., routing_expected_nano_usd: _Optional[int] = ..., routing_attempts: _Optional[int] = ...) -> None: ...

class QueryErrorsRequest(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: AnalyticsQuery
    def __init__(self, query: _Optional[_Union[AnalyticsQuery, _Mapping]] = ...) -> None: ...

class QueryErrorsResponse(_message.Message):
    __slots__ = ("buckets", "total", "next_page_token", "data_until_time")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATA_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[ErrorBucket]
    total: ErrorBucket
    next_page_token: str
    data_until_time: _timestamp_pb2.Timestamp
    def __init__(self, buckets: _Optional[_Iterable[_Union[ErrorBucket, _Mapping]]] = ..., total: _Optional[_Union[ErrorBucket, _Mapping]] = ..., next_page_token: _Optional[str] = ..., data_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ErrorBucket(_message.Message):
    __slots__ = ("start_time", "dimensions", "requests", "errors", "error_ratio", "reasons", "caller_faults", "provider_faults", "service_faults", "attempts", "failed_attempts", "attempt_reasons", "failovers", "recovered", "failover_success_ratio", "recovery_duration")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATIO_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FAULTS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FAULTS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FAULTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_REASONS_FIELD_NUMBER: _ClassVar[int]
    FAILOVERS_FIELD_NUMBER: _ClassVar[int]
    RECOVERED_FIELD_NUMBER: _ClassVar[int]
    FAILOVER_SUCCESS_RATIO_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_DURATION_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    dimensions: _containers.ScalarMap[str, str]
    requests: int
    errors: int
    error_ratio: float
    reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    caller_faults: int
    provider_faults: int
    service_faults: int
    attempts: int
    failed_attempts: int
    attempt_reasons: _containers.RepeatedCompositeFieldContainer[ReasonCount]
    failovers: int
    recovered: int
    failover_success_ratio: float
    recovery_duration: LatencySummary
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., requests: _Optional[int] = ..., errors: _Optional[int] = ..., error_ratio: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., caller_faults: _Optional[int] = ..., provider_faults: _Optional[int] = ..., service_faults: _Optional[int] = ..., attempts: _Optional[int] = ..., failed_attempts: _Optional[int] = ..., attempt_reasons: _Optional[_Iterable[_Union[ReasonCount, _Mapping]]] = ..., failovers: _Optional[int] = ..., recovered: _Optional[int] = ..., failover_success_ratio: _Optional[float] = ..., recovery_duration: _Optional[_Union[LatencySummary, _Mapping]] = ...) -> None: ...

class ReasonCount(_message.Message):
    __slots__ = ("reason", "fault_owner", "count")
    REASON_FIELD_NUMBER: _ClassVar[int]
    FAULT_OWNER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    fault_owner: FaultOwner
    count: int
    def __init__(self, reason: _Optional[str] = ..., fault_owner: _Optional[_Union[FaultOwner, str]] = ..., count: _Optional[int] = ...) -> None: ...

class GetOverviewRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "filters", "top", "points")
    class FiltersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    filters: _containers.ScalarMap[str, str]
    top: int
    points: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., filters: _Optional[_Mapping[str, str]] = ..., top: _Optional[int] = ..., points: _Optional[int] = ...) -> None: ...

class GetOverviewResponse(_message.Message):
    __slots__ = ("start_time", "end_time", "data_until_time", "usage", "performance", "costs", "errors", "previous_usage", "top_providers", "top_models", "top_tenants", "trend", "trend_step", "health", "firing_alerts", "firing_alert_count")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DATA_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PERFORMANCE_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_USAGE_FIELD_NUMBER: _ClassVar[int]
    TOP_PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    TOP_MODELS_FIELD_NUMBER: _ClassVar[int]
    TOP_TENANTS_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    TREND_STEP_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    FIRING_ALERTS_FIELD_NUMBER: _ClassVar[int]
    FIRING_ALERT_COUNT_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    data_until_time: _timestamp_pb2.Timestamp
    usage: UsageBucket
    performance: PerformanceBucket
    costs: CostBucket
    errors: ErrorBucket
    previous_usage: UsageBucket
    top_providers: _containers.RepeatedCompositeFieldContainer[UsageBucket]
    top_models: _containers.RepeatedCompositeFieldContainer[UsageBucket]
    top_tenants: _containers.RepeatedCompositeFieldContainer[UsageBucket]
    trend: _containers.RepeatedCompositeFieldContainer[UsageBucket]
    trend_step: _duration_pb2.Duration
    health: _containers.RepeatedCompositeFieldContainer[_health_service_pb2.ProviderHealth]
    firing_alerts: _containers.RepeatedCompositeFieldContainer[_alert_pb2.Alert]
    firing_alert_count: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., data_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., usage: _Optional[_Union[UsageBucket, _Mapping]] = ..., performance: _Optional[_Union[PerformanceBucket, _Mapping]] = ..., costs: _Optional[_Union[CostBucket, _Mapping]] = ..., errors: _Optional[_Union[ErrorBucket, _Mapping]] = ..., previous_usage: _Optional[_Union[UsageBucket, _Mapping]] = ..., top_providers: _Optional[_Iterable[_Union[UsageBucket, _Mapping]]] = ..., top_models: _Optional[_Iterable[_Union[UsageBucket, _Mapping]]] = ..., top_tenants: _Optional[_Iterable[_Union[UsageBucket, _Mapping]]] = ..., trend: _Optional[_Iterable[_Union[UsageBucket, _Mapping]]] = ..., trend_step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., health: _Optional[_Iterable[_Union[_health_service_pb2.ProviderHealth, _Mapping]]] = ..., firing_alerts: _Optional[_Iterable[_Union[_alert_pb2.Alert, _Mapping]]] = ..., firing_alert_count: _Optional[int] = ...) -> None: ...

class WatchMetricsRequest(_message.Message):
    __slots__ = ("interval", "window")
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    interval: _duration_pb2.Duration
    window: _duration_pb2.Duration
    def __init__(self, interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchMetricsResponse(_message.Message):
    __slots__ = ("time", "window", "requests", "total_duration", "time_to_first_token", "cache", "cache_hit_ratio", "in_flight", "providers")
    TIME_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_RATIO_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    window: _duration_pb2.Duration
    requests: LiveRates
    total_duration: LatencySummary
    time_to_first_token: LatencySummary
    cache: CacheCounts
    cache_hit_ratio: float
    in_flight: int
    providers: _containers.RepeatedCompositeFieldContainer[LiveProvider]
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., requests: _Optional[_Union[LiveRates, _Mapping]] = ..., total_duration: _Optional[_Union[LatencySummary, _Mapping]] = ..., time_to_first_token: _Optional[_Union[LatencySummary, _Mapping]] = ..., cache: _Optional[_Union[CacheCounts, _Mapping]] = ..., cache_hit_ratio: _Optional[float] = ..., in_flight: _Optional[int] = ..., providers: _Optional[_Iterable[_Union[LiveProvider, _Mapping]]] = ...) -> None: ...

class LiveRates(_message.Message):
    __slots__ = ("count", "errors", "per_second", "error_ratio", "input_tokens_per_second", "output_tokens_per_second", "nano_usd", "nano_usd_per_hour", "unpriced_attempts")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATIO_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    NANO_USD_FIELD_NUMBER: _ClassVar[int]
    NANO_USD_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    count: int
    errors: int
    per_second: float
    error_ratio: float
    input_tokens_per_second: float
    output_tokens_per_second: float
    nano_usd: int
    nano_usd_per_hour: int
    unpriced_attempts: int
    def __init__(self, count: _Optional[int] = ..., errors: _Optional[int] = ..., per_second: _Optional[float] = ..., error_ratio: _Optional[float] = ..., input_tokens_per_second: _Optional[float] = ..., output_tokens_per_second: _Optional[float] = ..., nano_usd: _Optional[int] = ..., nano_usd_per_hour: _Optional[int] = ..., unpriced_attempts: _Optional[int] = ...) -> None: ...

class LiveProvider(_message.Message):
    __slots__ = ("provider", "attempts", "duration", "status", "in_flight")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    attempts: LiveRates
    duration: LatencySummary
    status: _health_service_pb2.ProviderStatus
    in_flight: int
    def __init__(self, provider: _Optional[str] = ..., attempts: _Optional[_Union[LiveRates, _Mapping]] = ..., duration: _Optional[_Union[LatencySummary, _Mapping]] = ..., status: _Optional[_Union[_health_service_pb2.ProviderStatus, str]] = ..., in_flight: _Optional[int] = ...) -> None: ...

class GetCacheStatsRequest(_message.Message):
    __slots__ = ("all_tenants",)
    ALL_TENANTS_FIELD_NUMBER: _ClassVar[int]
    all_tenants: bool
    def __init__(self, all_tenants: _Optional[bool] = ...) -> None: ...

class GetCacheStatsResponse(_message.Message):
    __slots__ = ("local_hits", "shared_hits", "misses", "coalesced", "local_entries", "local_bytes", "saved_nano_usd", "since_time", "shared_available", "bypassed", "refreshed", "repeated", "unpriced", "saved_duration", "mean_hit_age", "local_stores", "local_evictions", "local_bytes_max", "hit_bytes", "early_refreshes", "known_failures", "shared_state", "shared_problem", "shared_failures", "shared_lost_stores", "shared_skips")
    LOCAL_HITS_FIELD_NUMBER: _ClassVar[int]
    SHARED_HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    COALESCED_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    LOCAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SAVED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    SHARED_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    BYPASSED_FIELD_NUMBER: _ClassVar[int]
    REFRESHED_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    SAVED_DURATION_FIELD_NUMBER: _ClassVar[int]
    MEAN_HIT_AGE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_STORES_FIELD_NUMBER: _ClassVar[int]
    LOCAL_EVICTIONS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    HIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    EARLY_REFRESHES_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FAILURES_FIELD_NUMBER: _ClassVar[int]
    SHARED_STATE_FIELD_NUMBER: _ClassVar[int]
    SHARED_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    SHARED_FAILURES_FIELD_NUMBER: _ClassVar[int]
    SHARED_LOST_STORES_FIELD_NUMBER: _ClassVar[int]
    SHARED_SKIPS_FIELD_NUMBER: _ClassVar[int]
    local_hits: int
    shared_hits: int
    misses: int
    coalesced: int
    local_entries: int
    local_bytes: int
    saved_nano_usd: int
    since_time: _timestamp_pb2.Timestamp
    shared_available: bool
    bypassed: int
    refreshed: int
    repeated: int
    unpriced: int
    saved_duration: _duration_pb2.Duration
    mean_hit_age: _duration_pb2.Duration
    local_stores: int
    local_evictions: int
    local_bytes_max: int
    hit_bytes: int
    early_refreshes: int
    known_failures: int
    shared_state: str
    shared_problem: str
    shared_failures: int
    shared_lost_stores: int
    shared_skips: int
    def __init__(self, local_hits: _Optional[int] = ..., shared_hits: _Optional[int] = ..., misses: _Optional[int] = ..., coalesced: _Optional[int] = ..., local_entries: _Optional[int] = ..., local_bytes: _Optional[int] = ..., saved_nano_usd: _Optional[int] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shared_available: _Optional[bool] = ..., bypassed: _Optional[int] = ..., refreshed: _Optional[int] = ..., repeated: _Optional[int] = ..., unpriced: _Optional[int] = ..., saved_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., mean_hit_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., local_stores: _Optional[int] = ..., local_evictions: _Optional[int] = ..., local_bytes_max: _Optional[int] = ..., hit_bytes: _Optional[int] = ..., early_refreshes: _Optional[int] = ..., known_failures: _Optional[int] = ..., shared_state: _Optional[str] = ..., shared_problem: _Optional[str] = ..., shared_failures: _Optional[int] = ..., shared_lost_stores: _Optional[int] = ..., shared_skips: _Optional[int] = ...) -> None: ...

class ListAlertsRequest(_message.Message):
    __slots__ = ("states", "severities", "limit")
    STATES_FIELD_NUMBER: _ClassVar[int]
    SEVERITIES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_alert_pb2.AlertState]
    severities: _containers.RepeatedScalarFieldContainer[_alert_pb2.AlertSeverity]
    limit: int
    def __init__(self, states: _Optional[_Iterable[_Union[_alert_pb2.AlertState, str]]] = ..., severities: _Optional[_Iterable[_Union[_alert_pb2.AlertSeverity, str]]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListAlertsResponse(_message.Message):
    __slots__ = ("alerts", "alert_count", "rule_count", "check_time")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    ALERT_COUNT_FIELD_NUMBER: _ClassVar[int]
    RULE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[_alert_pb2.Alert]
    alert_count: int
    rule_count: int
    check_time: _timestamp_pb2.Timestamp
    def __init__(self, alerts: _Optional[_Iterable[_Union[_alert_pb2.Alert, _Mapping]]] = ..., alert_count: _Optional[int] = ..., rule_count: _Optional[int] = ..., check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
