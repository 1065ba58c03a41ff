import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvalidateCacheRequest(_message.Message):
    __slots__ = ("tenant", "namespace", "model", "key", "everything")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EVERYTHING_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    namespace: str
    model: str
    key: str
    everything: bool
    def __init__(self, tenant: _Optional[str] = ..., namespace: _Optional[str] = ..., model: _Optional[str] = ..., key: _Optional[str] = ..., everything: _Optional[bool] = ...) -> None: ...

class InvalidateCacheResponse(_message.Message):
    __slots__ = ("local_entries", "takes_effect_within", "takes_effect_cut_off_within")
    LOCAL_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TAKES_EFFECT_WITHIN_FIELD_NUMBER: _ClassVar[int]
    TAKES_EFFECT_CUT_OFF_WITHIN_FIELD_NUMBER: _ClassVar[int]
    local_entries: int
    takes_effect_within: _duration_pb2.Duration
    takes_effect_cut_off_within: _duration_pb2.Duration
    def __init__(self, local_entries: _Optional[int] = ..., takes_effect_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., takes_effect_cut_off_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
