import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AlertKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_KIND_UNSPECIFIED: _ClassVar[AlertKind]
    ALERT_KIND_ERROR_RATE: _ClassVar[AlertKind]
    ALERT_KIND_LATENCY: _ClassVar[AlertKind]
    ALERT_KIND_BUDGET: _ClassVar[AlertKind]
    ALERT_KIND_BUDGET_BURN: _ClassVar[AlertKind]
    ALERT_KIND_PROVIDER_DOWN: _ClassVar[AlertKind]
    ALERT_KIND_CACHE_COLLAPSE: _ClassVar[AlertKind]
    ALERT_KIND_COST_SPIKE: _ClassVar[AlertKind]

class AlertSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_SEVERITY_UNSPECIFIED: _ClassVar[AlertSeverity]
    ALERT_SEVERITY_WARNING: _ClassVar[AlertSeverity]
    ALERT_SEVERITY_CRITICAL: _ClassVar[AlertSeverity]

class AlertState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_STATE_UNSPECIFIED: _ClassVar[AlertState]
    ALERT_STATE_FIRING: _ClassVar[AlertState]
    ALERT_STATE_PENDING: _ClassVar[AlertState]
    ALERT_STATE_RESOLVED: _ClassVar[AlertState]

class AlertEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_END_UNSPECIFIED: _ClassVar[AlertEnd]
    ALERT_END_RECOVERED: _ClassVar[AlertEnd]
    ALERT_END_NO_DATA: _ClassVar[AlertEnd]
    ALERT_END_RULE_CHANGED: _ClassVar[AlertEnd]
ALERT_KIND_UNSPECIFIED: AlertKind
ALERT_KIND_ERROR_RATE: AlertKind
ALERT_KIND_LATENCY: AlertKind
ALERT_KIND_BUDGET: AlertKind
ALERT_KIND_BUDGET_BURN: AlertKind
ALERT_KIND_PROVIDER_DOWN: AlertKind
ALERT_KIND_CACHE_COLLAPSE: AlertKind
ALERT_KIND_COST_SPIKE: AlertKind
ALERT_SEVERITY_UNSPECIFIED: AlertSeverity
ALERT_SEVERITY_WARNING: AlertSeverity
ALERT_SEVERITY_CRITICAL: AlertSeverity
ALERT_STATE_UNSPECIFIED: AlertState
ALERT_STATE_FIRING: AlertState
ALERT_STATE_PENDING: AlertState
ALERT_STATE_RESOLVED: AlertState
ALERT_END_UNSPECIFIED: AlertEnd
ALERT_END_RECOVERED: AlertEnd
ALERT_END_NO_DATA: AlertEnd
ALERT_END_RULE_CHANGED: AlertEnd

class Alert(_message.Message):
    __slots__ = ("id", "rule", "kind", "severity", "state", "tenant", "provider", "model", "value", "threshold", "clear_threshold", "unit", "since_time", "resolve_time", "summary", "end")
    ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CLEAR_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_TIME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    id: str
    rule: str
    kind: AlertKind
    severity: AlertSeverity
    state: AlertState
    tenant: str
    provider: str
    model: str
    value: float
    threshold: float
    clear_threshold: float
    unit: str
    since_time: _timestamp_pb2.Timestamp
    resolve_time: _timestamp_pb2.Timestamp
    summary: str
    end: AlertEnd
    def __init__(self, id: _Optional[str] = ..., rule: _Optional[str] = ..., kind: _Optional[_Union[AlertKind, str]] = ..., severity: _Optional[_Union[AlertSeverity, str]] = ..., state: _Optional[_Union[AlertState, str]] = ..., tenant: _Optional[str] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., clear_threshold: _Optional[float] = ..., unit: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolve_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., summary: _Optional[str] = ..., end: _Optional[_Union[AlertEnd, str]] = ...) -> None: ...
