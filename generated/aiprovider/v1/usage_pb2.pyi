from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CostProvenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COST_PROVENANCE_UNSPECIFIED: _ClassVar[CostProvenance]
    COST_PROVENANCE_PROVIDER_REPORTED: _ClassVar[CostProvenance]
    COST_PROVENANCE_COMPUTED: _ClassVar[CostProvenance]
    COST_PROVENANCE_ESTIMATED: _ClassVar[CostProvenance]
    COST_PROVENANCE_UNKNOWN: _ClassVar[CostProvenance]
COST_PROVENANCE_UNSPECIFIED: CostProvenance
COST_PROVENANCE_PROVIDER_REPORTED: CostProvenance
COST_PROVENANCE_COMPUTED: CostProvenance
COST_PROVENANCE_ESTIMATED: CostProvenance
COST_PROVENANCE_UNKNOWN: CostProvenance

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens", "reasoning_output_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens", "cache_write_1h_input_tokens", "cache_read_audio_input_tokens", "web_search_count", "service_tier", "estimated")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_AUDIO_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WEB_SEARCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_TIER_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    reasoning_output_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_input_tokens: int
    cache_write_1h_input_tokens: int
    cache_read_audio_input_tokens: int
    web_search_count: int
    service_tier: str
    estimated: bool
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cache_read_input_tokens: _Optional[int] = ..., cache_write_input_tokens: _Optional[int] = ..., reasoning_output_tokens: _Optional[int] = ..., audio_input_tokens: _Optional[int] = ..., audio_output_tokens: _Optional[int] = ..., image_input_tokens: _Optional[int] = ..., cache_write_1h_input_tokens: _Optional[int] = ..., cache_read_audio_input_tokens: _Optional[int] = ..., web_search_count: _Optional[int] = ..., service_tier: _Optional[str] = ..., estimated: _Optional[bool] = ...) -> None: ...

class Cost(_message.Message):
    __slots__ = ("total_nano_usd", "input_nano_usd", "output_nano_usd", "cache_read_nano_usd", "cache_write_nano_usd", "saved_nano_usd", "price_version", "unpriced", "provenance", "other_nano_usd")
    TOTAL_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    INPUT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    SAVED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    PRICE_VERSION_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    OTHER_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    total_nano_usd: int
    input_nano_usd: int
    output_nano_usd: int
    cache_read_nano_usd: int
    cache_write_nano_usd: int
    saved_nano_usd: int
    price_version: str
    unpriced: bool
    provenance: CostProvenance
    other_nano_usd: int
    def __init__(self, total_nano_usd: _Optional[int] = ..., input_nano_usd: _Optional[int] = ..., output_nano_usd: _Optional[int] = ..., cache_read_nano_usd: _Optional[int] = ..., cache_write_nano_usd: _Optional[int] = ..., saved_nano_usd: _Optional[int] = ..., price_version: _Optional[str] = ..., unpriced: _Optional[bool] = ..., provenance: _Optional[_Union[CostProvenance, str]] = ..., other_nano_usd: _Optional[int] = ...) -> None: ...
