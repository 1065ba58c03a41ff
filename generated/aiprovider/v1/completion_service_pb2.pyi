import datetime

from aiprovider.v1 import content_pb2 as _content_pb2
from aiprovider.v1 import routing_pb2 as _routing_pb2
from aiprovider.v1 import usage_pb2 as _usage_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_MAX_TOKENS: _ClassVar[FinishReason]
    FINISH_REASON_TOOL_CALLS: _ClassVar[FinishReason]
    FINISH_REASON_CONTENT_FILTER: _ClassVar[FinishReason]
    FINISH_REASON_REFUSAL: _ClassVar[FinishReason]
    FINISH_REASON_CONTEXT_LIMIT: _ClassVar[FinishReason]
    FINISH_REASON_PAUSED: _ClassVar[FinishReason]
    FINISH_REASON_OTHER: _ClassVar[FinishReason]
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_MAX_TOKENS: FinishReason
FINISH_REASON_TOOL_CALLS: FinishReason
FINISH_REASON_CONTENT_FILTER: FinishReason
FINISH_REASON_REFUSAL: FinishReason
FINISH_REASON_CONTEXT_LIMIT: FinishReason
FINISH_REASON_PAUSED: FinishReason
FINISH_REASON_OTHER: FinishReason

class CompletionSpec(_message.Message):
    __slots__ = ("model", "messages", "sampling", "tools", "tool_choice", "output_format", "reasoning", "provider_options")
    class ProviderOptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Struct
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CHOICE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    model: str
    messages: _containers.RepeatedCompositeFieldContainer[_content_pb2.Message]
    sampling: SamplingParams
    tools: _containers.RepeatedCompositeFieldContainer[_content_pb2.Tool]
    tool_choice: _content_pb2.ToolChoice
    output_format: _content_pb2.OutputFormat
    reasoning: ReasoningParams
    provider_options: _containers.MessageMap[str, _struct_pb2.Struct]
    def __init__(self, model: _Optional[str] = ..., messages: _Optional[_Iterable[_Union[_content_pb2.Message, _Mapping]]] = ..., sampling: _Optional[_Union[SamplingParams, _Mapping]] = ..., tools: _Optional[_Iterable[_Union[_content_pb2.Tool, _Mapping]]] = ..., tool_choice: _Optional[_Union[_content_pb2.ToolChoice, _Mapping]] = ..., output_format: _Optional[_Union[_content_pb2.OutputFormat, _Mapping]] = ..., reasoning: _Optional[_Union[ReasoningParams, _Mapping]] = ..., provider_options: _Optional[_Mapping[str, _struct_pb2.Struct]] = ...) -> None: ...

class SamplingParams(_message.Message):
    __slots__ = ("temperature", "top_p", "top_k", "max_output_tokens", "stop", "seed", "frequency_penalty", "presence_penalty", "top_logprobs")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    TOP_LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    top_p: float
    top_k: int
    max_output_tokens: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    top_logprobs: int
    def __init__(self, temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., max_output_tokens: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., seed: _Optional[int] = ..., frequency_penalty: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., top_logprobs: _Optional[int] = ...) -> None: ...

class ReasoningParams(_message.Message):
    __slots__ = ("effort", "budget_tokens", "include_text")
    class Effort(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EFFORT_UNSPECIFIED: _ClassVar[ReasoningParams.Effort]
        EFFORT_NONE: _ClassVar[ReasoningParams.Effort]
        EFFORT_MINIMAL: _ClassVar[ReasoningParams.Effort]
        EFFORT_LOW: _ClassVar[ReasoningParams.Effort]
        EFFORT_MEDIUM: _ClassVar[ReasoningParams.Effort]
        EFFORT_HIGH: _ClassVar[ReasoningParams.Effort]
    EFFORT_UNSPECIFIED: ReasoningParams.Effort
    EFFORT_NONE: ReasoningParams.Effort
    EFFORT_MINIMAL: ReasoningParams.Effort
    EFFORT_LOW: ReasoningParams.Effort
    EFFORT_MEDIUM: ReasoningParams.Effort
    EFFORT_HIGH: ReasoningParams.Effort
    EFFORT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TEXT_FIELD_NUMBER: _ClassVar[int]
    effort: ReasoningParams.Effort
    budget_tokens: int
    include_text: bool
    def __init__(self, effort: _Optional[_Union[ReasoningParams.Effort, str]] = ..., budget_tokens: _Optional[int] = ..., include_text: _Optional[bool] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("spec", "routing", "cache", "idempotency_key", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SPEC_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    spec: CompletionSpec
    routing: _routing_pb2.RoutingPolicy
    cache: _routing_pb2.CachePolicy
    idempotency_key: str
    labels: _containers.ScalarMap[str, str]
    def __init__(self, spec: _Optional[_Union[CompletionSpec, _Mapping]] = ..., routing: _Optional[_Union[_routing_pb2.RoutingPolicy, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CachePolicy, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class StreamCompleteRequest(_message.Message):
    __slots__ = ("spec", "routing", "cache", "idempotency_key", "labels", "stream_options")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SPEC_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STREAM_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    spec: CompletionSpec
    routing: _routing_pb2.RoutingPolicy
    cache: _routing_pb2.CachePolicy
    idempotency_key: str
    labels: _containers.ScalarMap[str, str]
    stream_options: StreamOptions
    def __init__(self, spec: _Optional[_Union[CompletionSpec, _Mapping]] = ..., routing: _Optional[_Union[_routing_pb2.RoutingPolicy, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CachePolicy, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., stream_options: _Optional[_Union[StreamOptions, _Mapping]] = ...) -> None: ...

class StreamOptions(_message.Message):
    __slots__ = ("coalesce_window", "include_route_events", "restart_on_interruption", "replay_interval")
    COALESCE_WINDOW_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ROUTE_EVENTS_FIELD_NUMBER: _ClassVar[int]
    RESTART_ON_INTERRUPTION_FIELD_NUMBER: _ClassVar[int]
    REPLAY_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    coalesce_window: _duration_pb2.Duration
    include_route_events: bool
    restart_on_interruption: bool
    replay_interval: _duration_pb2.Duration
    def __init__(self, coalesce_window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., include_route_events: _Optional[bool] = ..., restart_on_interruption: _Optional[bool] = ..., replay_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("id", "message", "finish_reason", "provider_finish_reason", "usage", "cost", "served_by", "provider_response_id", "create_time", "logprobs", "provider_metadata", "dropped_parameters", "route", "cache", "timing")
    class ProviderMetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Struct
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    SERVED_BY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_METADATA_FIELD_NUMBER: _ClassVar[int]
    DROPPED_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    id: str
    message: _content_pb2.Message
    finish_reason: FinishReason
    provider_finish_reason: str
    usage: _usage_pb2.Usage
    cost: _usage_pb2.Cost
    served_by: _routing_pb2.ModelRef
    provider_response_id: str
    create_time: _timestamp_pb2.Timestamp
    logprobs: _containers.RepeatedCompositeFieldContainer[TokenLogprob]
    provider_metadata: _containers.MessageMap[str, _struct_pb2.Struct]
    dropped_parameters: _containers.RepeatedScalarFieldContainer[str]
    route: _routing_pb2.RouteTrace
    cache: _routing_pb2.CacheInfo
    timing: Timing
    def __init__(self, id: _Optional[str] = ..., message: _Optional[_Union[_content_pb2.Message, _Mapping]] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., provider_finish_reason: _Optional[str] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., served_by: _Optional[_Union[_routing_pb2.ModelRef, _Mapping]] = ..., provider_response_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., logprobs: _Optional[_Iterable[_Union[TokenLogprob, _Mapping]]] = ..., provider_metadata: _Optional[_Mapping[str, _struct_pb2.Struct]] = ..., dropped_parameters: _Optional[_Iterable[str]] = ..., route: _Optional[_Union[_routing_pb2.RouteTrace, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CacheInfo, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ...) -> None: ...

class TokenLogprob(_message.Message):
    __slots__ = ("token", "logprob", "token_bytes", "top")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOGPROB_FIELD_NUMBER: _ClassVar[int]
    TOKEN_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    token: str
    logprob: float
    token_bytes: bytes
    top: _containers.RepeatedCompositeFieldContainer[TokenLogprob]
    def __init__(self, token: _Optional[str] = ..., logprob: _Optional[float] = ..., token_bytes: _Optional[bytes] = ..., top: _Optional[_Iterable[_Union[TokenLogprob, _Mapping]]] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("total_duration", "time_to_first_token", "provider_duration", "queue_duration", "cache_duration", "route_duration", "serialise_duration")
    TOTAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_DURATION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_DURATION_FIELD_NUMBER: _ClassVar[int]
    CACHE_DURATION_FIELD_NUMBER: _ClassVar[int]
    ROUTE_DURATION_FIELD_NUMBER: _ClassVar[int]
    SERIALISE_DURATION_FIELD_NUMBER: _ClassVar[int]
    total_duration: _duration_pb2.Duration
    time_to_first_token: _duration_pb2.Duration
    provider_duration: _duration_pb2.Duration
    queue_duration: _duration_pb2.Duration
    cache_duration: _duration_pb2.Duration
    route_duration: _duration_pb2.Duration
    serialise_duration: _duration_pb2.Duration
    def __init__(self, total_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., time_to_first_token: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., provider_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., queue_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cache_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., route_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., serialise_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StreamCompleteResponse(_message.Message):
    __slots__ = ("text", "reasoning", "tool_call", "started", "part_done", "finished", "route", "keepalive", "restarted", "sequence")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PART_DONE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    KEEPALIVE_FIELD_NUMBER: _ClassVar[int]
    RESTARTED_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    text: TextDelta
    reasoning: ReasoningDelta
    tool_call: ToolCallDelta
    started: StreamStarted
    part_done: PartDone
    finished: StreamFinished
    route: RouteEvent
    keepalive: Keepalive
    restarted: StreamRestarted
    sequence: int
    def __init__(self, text: _Optional[_Union[TextDelta, _Mapping]] = ..., reasoning: _Optional[_Union[ReasoningDelta, _Mapping]] = ..., tool_call: _Optional[_Union[ToolCallDelta, _Mapping]] = ..., started: _Optional[_Union[StreamStarted, _Mapping]] = ..., part_done: _Optional[_Union[PartDone, _Mapping]] = ..., finished: _Optional[_Union[StreamFinished, _Mapping]] = ..., route: _Optional[_Union[RouteEvent, _Mapping]] = ..., keepalive: _Optional[_Union[Keepalive, _Mapping]] = ..., restarted: _Optional[_Union[StreamRestarted, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class TextDelta(_message.Message):
    __slots__ = ("text", "part_index", "logprobs")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    LOGPROBS_FIELD_NUMBER: _ClassVar[int]
    text: str
    part_index: int
    logprobs: _containers.RepeatedCompositeFieldContainer[TokenLogprob]
    def __init__(self, text: _Optional[str] = ..., part_index: _Optional[int] = ..., logprobs: _Optional[_Iterable[_Union[TokenLogprob, _Mapping]]] = ...) -> None: ...

class ReasoningDelta(_message.Message):
    __slots__ = ("text", "part_index")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    text: str
    part_index: int
    def __init__(self, text: _Optional[str] = ..., part_index: _Optional[int] = ...) -> None: ...

class ToolCallDelta(_message.Message):
    __slots__ = ("part_index", "id", "name", "arguments_json_fragment")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FRAGMENT_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    id: str
    name: str
    arguments_json_fragment: str
    def __init__(self, part_index: _Optional[int] = ..., id: _Optional[str] = ..., name: _Optional[str] = ..., arguments_json_fragment: _Optional[str] = ...) -> None: ...

class PartDone(_message.Message):
    __slots__ = ("part_index", "part")
    PART_INDEX_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    part_index: int
    part: _content_pb2.Part
    def __init__(self, part_index: _Optional[int] = ..., part: _Optional[_Union[_content_pb2.Part, _Mapping]] = ...) -> None: ...

class StreamStarted(_message.Message):
    __slots__ = ("id", "served_by", "cache", "create_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVED_BY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    served_by: _routing_pb2.ModelRef
    cache: _routing_pb2.CacheInfo
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., served_by: _Optional[_Union[_routing_pb2.ModelRef, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CacheInfo, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StreamFinished(_message.Message):
    __slots__ = ("finish_reason", "provider_finish_reason", "usage", "cost", "route", "timing", "provider_response_id", "provider_metadata", "dropped_parameters")
    class ProviderMetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Struct
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_METADATA_FIELD_NUMBER: _ClassVar[int]
    DROPPED_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    finish_reason: FinishReason
    provider_finish_reason: str
    usage: _usage_pb2.Usage
    cost: _usage_pb2.Cost
    route: _routing_pb2.RouteTrace
    timing: Timing
    provider_response_id: str
    provider_metadata: _containers.MessageMap[str, _struct_pb2.Struct]
    dropped_parameters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, finish_reason: _Optional[_Union[FinishReason, str]] = ..., provider_finish_reason: _Optional[str] = ..., usage: _Optional[_Union[_usage_pb2.Usage, _Mapping]] = ..., cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ..., route: _Optional[_Union[_routing_pb2.RouteTrace, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., provider_response_id: _Optional[str] = ..., provider_metadata: _Optional[_Mapping[str, _struct_pb2.Struct]] = ..., dropped_parameters: _Optional[_Iterable[str]] = ...) -> None: ...

class RouteEvent(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: _routing_pb2.Attempt
    def __init__(self, attempt: _Optional[_Union[_routing_pb2.Attempt, _Mapping]] = ...) -> None: ...

class StreamRestarted(_message.Message):
    __slots__ = ("served_by", "attempt")
    SERVED_BY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    served_by: _routing_pb2.ModelRef
    attempt: _routing_pb2.Attempt
    def __init__(self, served_by: _Optional[_Union[_routing_pb2.ModelRef, _Mapping]] = ..., attempt: _Optional[_Union[_routing_pb2.Attempt, _Mapping]] = ...) -> None: ...

class Keepalive(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CountTokensRequest(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: CompletionSpec
    def __init__(self, spec: _Optional[_Union[CompletionSpec, _Mapping]] = ...) -> None: ...

class CountTokensResponse(_message.Message):
    __slots__ = ("input_tokens", "exact", "tokenizer", "estimated_input_cost")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_INPUT_COST_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    exact: bool
    tokenizer: str
    estimated_input_cost: _usage_pb2.Cost
    def __init__(self, input_tokens: _Optional[int] = ..., exact: _Optional[bool] = ..., tokenizer: _Optional[str] = ..., estimated_input_cost: _Optional[_Union[_usage_pb2.Cost, _Mapping]] = ...) -> None: ...

class ExplainRouteRequest(_message.Message):
    __slots__ = ("spec", "routing", "cache")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    spec: CompletionSpec
    routing: _routing_pb2.RoutingPolicy
    cache: _routing_pb2.CachePolicy
    def __init__(self, spec: _Optional[_Union[CompletionSpec, _Mapping]] = ..., routing: _Optional[_Union[_routing_pb2.RoutingPolicy, _Mapping]] = ..., cache: _Optional[_Union[_routing_pb2.CachePolicy, _Mapping]] = ...) -> None: ...

class ExplainRouteResponse(_message.Message):
    __slots__ = ("candidates", "cache_key", "would_hit_cache", "route")
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CACHE_KEY_FIELD_NUMBER: _ClassVar[int]
    WOULD_HIT_CACHE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[_routing_pb2.Candidate]
    cache_key: str
    would_hit_cache: bool
    route: _routing_pb2.RouteTrace
    def __init__(self, candidates: _Optional[_Iterable[_Union[_routing_pb2.Candidate, _Mapping]]] = ..., cache_key: _Optional[str] = ..., would_hit_cache: _Optional[bool] = ..., route: _Optional[_Union[_routing_pb2.RouteTrace, _Mapping]] = ...) -> None: ...
