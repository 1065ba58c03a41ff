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

class UsageDimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_DIMENSION_UNSPECIFIED: _ClassVar[UsageDimension]
    USAGE_DIMENSION_PROVIDER: _ClassVar[UsageDimension]
    USAGE_DIMENSION_MODEL: _ClassVar[UsageDimension]
    USAGE_DIMENSION_TENANT: _ClassVar[UsageDimension]
    USAGE_DIMENSION_METHOD: _ClassVar[UsageDimension]
    USAGE_DIMENSION_STATUS: _ClassVar[UsageDimension]
    USAGE_DIMENSION_LABEL: _ClassVar[UsageDimension]
USAGE_DIMENSION_UNSPECIFIED: UsageDimension
USAGE_DIMENSION_PROVIDER: UsageDimension
USAGE_DIMENSION_MODEL: UsageDimension
USAGE_DIMENSION_TENANT: UsageDimension
USAGE_DIMENSION_METHOD: UsageDimension
USAGE_DIMENSION_STATUS: UsageDimension
USAGE_DIMENSION_LABEL: UsageDimension

class QueryUsageRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "step", "group_by", "filters", "label_key", "page_size", "page_token")
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
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    step: _duration_pb2.Duration
    group_by: _containers.RepeatedScalarFieldContainer[UsageDimension]
    filters: _containers.ScalarMap[str, str]
    label_key: str
    page_size: int
    page_token: str
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., group_by: _Optional[_Iterable[_Union[UsageDimension, str]]] = ..., filters: _Optional[_Mapping[str, str]] = ..., label_key: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("start_time", "dimensions", "requests", "errors", "cache_hits", "failovers", "usage", "cost", "latency_p50", "latency_p95", "latency_p99", "time_to_first_token_p50")
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
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., requests: _Optional[int] = ..., errors: _Optional[int] = ..., cache_hits: _Optional[int] = ..., failovers: _Optional[int] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., latency_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p95: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., latency_p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., time_to_first_token_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

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
