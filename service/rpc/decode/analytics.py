"""A question about the past, or every mistake in it with its field path. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from aiprovider.v1 import analytics_service_pb2 as pb
from google.protobuf import duration_pb2, timestamp_pb2

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.rollup import Axis, Dimension, Label, LedgerAnswer, LedgerQuery, Rank
from service.rpc.decode.check import Check
from service.rpc.decode.pages import EPOCH_MAX_S, Place, digest, place_of, token_of

Query = pb.AnalyticsQuery | pb.QueryUsageRequest

DAY_S = 86_400
STEPS_MAX = 10_000
_MINUTE_S = 60
_STEP_MAX_S = 3660 * DAY_S
_PAGE_SIZE = 1000
_PAGE_SIZE_MAX = 10_000
_LIMIT_MAX = 10_000
_LABEL = "label:"
_DIMENSIONS: dict[int, Dimension] = {
    pb.USAGE_DIMENSION_PROVIDER: Dimension.PROVIDER,
    pb.USAGE_DIMENSION_MODEL: Dimension.MODEL,
    pb.USAGE_DIMENSION_TENANT: Dimension.TENANT,
    pb.USAGE_DIMENSION_METHOD: Dimension.METHOD,
    pb.USAGE_DIMENSION_STATUS: Dimension.STATUS,
    pb.USAGE_DIMENSION_CACHE_STATUS: Dimension.CACHE_STATUS,
}
_NAMES: dict[str, Dimension] = {
    "provider": Dimension.PROVIDER,
    "model": Dimension.MODEL,
    "tenant": Dimension.TENANT,
    "method": Dimension.METHOD,
    "status": Dimension.STATUS,
    "cache_status": Dimension.CACHE_STATUS,
}
_NAME_OF = {dimension: name for name, dimension in _NAMES.items()}
_RANKS: dict[int, Rank] = {
    pb.ANALYTICS_ORDER_REQUESTS: Rank.REQUESTS,
    pb.ANALYTICS_ORDER_COST: Rank.COST,
    pb.ANALYTICS_ORDER_ERRORS: Rank.ERRORS,
    pb.ANALYTICS_ORDER_TOKENS: Rank.TOKENS,
    pb.ANALYTICS_ORDER_LATENCY: Rank.LATENCY,
    pb.ANALYTICS_ORDER_NAME: Rank.NAME,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, what is kept, and when it is. `now` is in seconds since the epoch."""

    method: str
    tenant: str
    sees_all: bool
    labels: Collection[str]
    now: float

    @property
    def scope(self) -> str | None:
        """The one tenant that is seen, None for all."""
        return None if self.sees_all else self.tenant


@dataclass(frozen=True, slots=True)
class Asked:
    """`names` are those of the dimensions, in the order of `query.group_by`."""

    query: LedgerQuery
    names: tuple[str, ...]
    page_digest: str

    def next_token(self, answer: LedgerAnswer) -> str:
        """Empty after the last page."""
        offset = self.query.offset + len(answer.cells)
        if not answer.cells or offset >= answer.cells_count:
            return ""
        return token_of(self.page_digest, Place(self.query.start, self.query.end, offset))


def asked(query: Query, asker: Asker, rank: Rank, path: str = "query.") -> Asked:
    """`rank` is for who names no order. Raises ServiceFailure."""
    check = Check()
    start, end = span(query, asker.now, check, path)
    axes = _axes(query, asker, check, path)
    found = LedgerQuery(
        start,
        end,
        step_s=_step_s(query, end - start, check, path),
        group_by=axes,
        filters=filters(query.filters, asker, check, path),
        rank=_rank(query, rank, check, path),
        limit=query.limit,
        cells_max=min(query.page_size or _PAGE_SIZE, _PAGE_SIZE_MAX),
    )
    check.within(f"{path}limit", query.limit, 0, _LIMIT_MAX)
    check.at_least(f"{path}page_size", query.page_size, 0)
    page_digest = digest(asker.method, asker.scope, query, "page_size", "page_token")
    if query.page_token:
        found = _at_token(found, query.page_token, page_digest, check, path)
    check.finish()
    return Asked(found, tuple(name_of(axis) for axis in axes), page_digest)


def span(
    query: Query | pb.GetOverviewRequest, now: float, check: Check, path: str = ""
) -> tuple[float, float]:
    """The last day, unless it says otherwise."""
    end = _moment(f"{path}end_time", query.end_time, check) if query.HasField("end_time") else now
    if not query.HasField("start_time"):
        return max(end - DAY_S, 0.0), end
    start = _moment(f"{path}start_time", query.start_time, check)
    if start >= end:
        which = "end_time" if query.HasField("end_time") else "now, as no end_time is given"
        check.refuse(f"{path}start_time", f"must be before {which}")
    return start, end


def filters(
    given: Mapping[str, str], asker: Asker, check: Check, path: str = ""
) -> dict[Axis, frozenset[str]]:
    """By the caller's right to see, too. Raises ServiceFailure for a tenant that it may not see."""
    found: dict[Axis, frozenset[str]] = {}
    for name, value in sorted(given.items()):
        field = f'{path}filters["{name}"]'
        if name in _NAMES:
            found[_NAMES[name]] = frozenset({value})
        elif name.startswith(_LABEL):
            key = name.removeprefix(_LABEL)
            _require_kept(field, key, asker.labels, check)
            found[Label(key)] = frozenset({value})
        else:
            known = ", ".join((*_NAMES, "label:KEY"))
            check.refuse(field, f"is no filter; there are {known}")
    if not asker.sees_all:
        own = frozenset({asker.tenant})
        if found.setdefault(Dimension.TENANT, own) != own:
            raise _not_yours(asker.tenant)
    return found


def name_of(axis: Axis) -> str:
    """As it is told, and as a filter names it."""
    return f"{_LABEL}{axis.key}" if isinstance(axis, Label) else _NAME_OF[axis]


def _axes(query: Query, asker: Asker, check: Check, path: str) -> tuple[Axis, ...]:
    axes: list[Axis] = []
    for place, value in enumerate(query.group_by):
        field = f"{path}group_by[{place}]"
        axis: Axis | None = _DIMENSIONS.get(value)
        if value == pb.USAGE_DIMENSION_LABEL:
            axis = Label(query.label_key)
        if axis is None:
            check.refuse(field, "must name a dimension")
        elif axis in axes:
            check.refuse(field, f"{name_of(axis)} stands there twice")
        else:
            axes.append(axis)
    _check_label(query, asker.labels, check, path)
    return tuple(axes)


def _check_label(query: Query, labels: Collection[str], check: Check, path: str) -> None:
    field = f"{path}label_key"
    by_label = pb.USAGE_DIMENSION_LABEL in query.group_by
    if by_label and not query.label_key:
        check.refuse(field, "must name the label that USAGE_DIMENSION_LABEL means")
    elif by_label:
        _require_kept(field, query.label_key, labels, check)
    elif query.label_key:
        check.refuse(field, "means nothing without USAGE_DIMENSION_LABEL in group_by")


def _require_kept(field: str, key: str, labels: Collection[str], check: Check) -> None:
    if key not in labels:
        kept = ", ".join(sorted(labels)) or "none"
        check.refuse(
            field, f"no label {key!r} is kept; kept are {kept}: `analytics.labels` names them"
        )


def _step_s(query: Query, span_s: float, check: Check, path: str) -> int | None:
    if not query.HasField("step"):
        return None
    field = f"{path}step"
    step_s, whole = _whole_seconds(query.step)
    if not whole or step_s < _MINUTE_S or step_s % _MINUTE_S or step_s > _STEP_MAX_S:
        check.refuse(field, "must be a multiple of 60 s, from a minute to ten years")
        return None
    steps = span_s / step_s
    if steps > STEPS_MAX:
        least_s = -(-span_s // (STEPS_MAX * _MINUTE_S)) * _MINUTE_S
        check.refuse(
            field,
            f"makes {steps:,.0f} steps of the time that is asked about; at most {STEPS_MAX:,} can"
            f" be: ask for steps of {least_s:,.0f} s or more, or about less time",
        )
        return None
    return step_s


def _whole_seconds(value: duration_pb2.Duration) -> tuple[int, bool]:
    return value.seconds, value.nanos == 0


def _rank(query: Query, rank: Rank, check: Check, path: str) -> Rank:
    if query.order_by == pb.ANALYTICS_ORDER_UNSPECIFIED:
        return rank
    found = _RANKS.get(query.order_by)
    if found is None:
        check.refuse(f"{path}order_by", "is no order that this service knows")
    return found or rank


def _at_token(
    query: LedgerQuery, token: str, page_digest: str, check: Check, path: str
) -> LedgerQuery:
    try:
        place = place_of(token, page_digest)
    except ValueError as error:
        check.refuse(f"{path}page_token", str(error))
        return query
    return replace(query, start=place.start, end=place.end, offset=place.offset)


def _moment(field: str, value: timestamp_pb2.Timestamp, check: Check) -> float:
    seconds = value.seconds + value.nanos / 1e9
    if not 0 <= seconds < EPOCH_MAX_S:
        check.refuse(field, "must lie in the years from 1970 to 9999")
        return 0.0
    return seconds


def _not_yours(tenant: str) -> ServiceFailure:
    return ServiceFailure(
        ErrorReason.MODEL_NOT_ALLOWED,
        f"this caller may ask about its own tenant {tenant!r} alone: the permission"
        " `analytics_all`, which the configuration gives to an API key or a client certificate,"
        " lets it ask about others",
    )
