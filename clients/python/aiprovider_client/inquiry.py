"""Questions about the past in Python's words. Decides nothing: what is kept is for the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from aiprovider.v1 import analytics_service_pb2 as pb
from google.protobuf import timestamp_pb2

from aiprovider_client.durations import duration_of

Order = Literal["requests", "cost", "errors", "tokens", "latency", "name"]
ORDERS: tuple[Order, ...] = get_args(Order)
Dimension = Literal["provider", "model", "tenant", "method", "status", "cache_status"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_LABEL = "label:"
_DIMENSION: dict[str, pb.UsageDimension] = {
    name: getattr(pb, f"USAGE_DIMENSION_{name.upper()}") for name in DIMENSIONS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Which requests, and how to sum them: `Inquiry(since=timedelta(days=7), by=["model"])`.

    What is left out is for the service to decide. One that cannot be meant raises ValueError.
    """

    since: datetime | timedelta | None = None
    """From this moment on, or so long before `until`."""
    until: datetime | None = None
    """Up to this moment, now if it is None. A moment without a time zone is UTC."""
    step: timedelta | None = None
    """The length of a bucket; None means one for the whole time."""
    by: Sequence[str] = ()
    """What to sum by: some of DIMENSIONS, and at most one `label:KEY`."""
    filters: Mapping[str, str] = field(default_factory=dict[str, str])
    """Only requests with these values, by the same names."""
    order: Order | None = None
    top: int = 0
    """Only so many groups, the first by `order`; the rest is one group `(other)`. 0 means all."""

    def __post_init__(self) -> None:
        if self.order is not None and self.order not in ORDERS:
            raise ValueError(f"order {self.order!r} is none of {', '.join(ORDERS)}")
        if self.top < 0:
            raise ValueError(f"top must be at least 0, is {self.top}")
        self.message()

    def message(self) -> pb.AnalyticsQuery:
        """The same as a message of the contract."""
        query = pb.AnalyticsQuery(
            order_by=f"ANALYTICS_ORDER_{(self.order or 'unspecified').upper()}",
            limit=self.top,
            filters=dict(self.filters),
        )
        try:
            self._tell_time(query)
        except OverflowError:
            raise ValueError("since and until: no moment lies before the year 1") from None
        for name in self.by:
            if name.startswith(_LABEL):
                if query.label_key:
                    raise ValueError("by: one label at a time")
                query.label_key = name.removeprefix(_LABEL)
                query.group_by.append(pb.USAGE_DIMENSION_LABEL)
            elif name in DIMENSIONS:
                query.group_by.append(_DIMENSION[name])
            else:
                known = ", ".join((*DIMENSIONS, "label:KEY"))
                raise ValueError(f"by: {name!r} is none of {known}")
        return query

    def _tell_time(self, query: pb.AnalyticsQuery) -> None:
        if self.until is not None:
            query.end_time.CopyFrom(moment(self.until))
        if isinstance(self.since, timedelta):
            until = self.until or datetime.now(UTC)
            query.start_time.CopyFrom(moment(until - self.since))
        elif self.since is not None:
            query.start_time.CopyFrom(moment(self.since))
        if self.step is not None:
            query.step.FromTimedelta(duration_of("step", self.step.total_seconds()))


def moment(when: datetime) -> timestamp_pb2.Timestamp:
    """A moment without a time zone is UTC."""
    told = timestamp_pb2.Timestamp()
    told.FromDatetime(when if when.tzinfo is None else when.astimezone(UTC))
    return told
