"""A request from the wire: what stands beside the spec, and the spec as yet unread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import model_service_pb2, routing_pb2

from service.domain.cache_use import NO_WISH, CacheMode, CacheWish
from service.domain.request import NO_LABELS, Question
from service.domain.scoring import PolicyName
from service.domain.wishes import RouteWish
from service.rpc.call import Call
from service.rpc.decode.check import Check
from service.rpc.decode.content_key import content_of
from service.rpc.decode.spec import completion_spec

_LABELS_MAX = 16
_LABEL_NAME_MAX_CHARS = 64
_LABEL_VALUE_MAX_CHARS = 256
_STREAM_PAUSE_MAX_S = 1.0
_NAMESPACE_MAX_CHARS = 128
_IDEMPOTENCY_KEY_MAX_CHARS = 128
_NAMES_MAX = 64
_WEEK_S = 604_800.0
_EMBEDDING_INPUTS_MAX = 2048
_MODEL_MAX_CHARS = 256

_Objective = routing_pb2.RoutingPolicy
_POLICIES = {
    _Objective.OBJECTIVE_UNSPECIFIED: None,
    _Objective.OBJECTIVE_BALANCED: PolicyName.COMPOSITE,
    _Objective.OBJECTIVE_LATENCY: PolicyName.LATENCY,
    _Objective.OBJECTIVE_COST: PolicyName.COST,
    _Objective.OBJECTIVE_RELIABILITY: PolicyName.RELIABILITY,
    _Objective.OBJECTIVE_WEIGHTED: PolicyName.WEIGHTED,
    _Objective.OBJECTIVE_PRIORITY: PolicyName.PRIORITY,
    _Objective.OBJECTIVE_ROUND_ROBIN: PolicyName.ROUND_ROBIN,
    _Objective.OBJECTIVE_LEAST_IN_FLIGHT: PolicyName.LEAST_IN_FLIGHT,
}

_Mode = routing_pb2.CachePolicy
_MODES = {
    _Mode.MODE_UNSPECIFIED: CacheMode.UNSAID,
    _Mode.MODE_READ_WRITE: CacheMode.READ_WRITE,
    _Mode.MODE_OFF: CacheMode.OFF,
    _Mode.MODE_REFRESH: CacheMode.REFRESH,
    _Mode.MODE_READ_ONLY: CacheMode.READ_ONLY,
    _Mode.MODE_ONLY_IF_CACHED: CacheMode.ONLY_IF_CACHED,
}


def route_wish(
    request: pb.CompleteRequest | pb.StreamCompleteRequest | pb.ExplainRouteRequest,
    *,
    restart: bool = False,
) -> RouteWish:
    """Raises ServiceFailure INVALID_REQUEST."""
    if not request.HasField("routing"):
        return RouteWish(restart=True) if restart else _NO_WISH
    policy = request.routing
    check = Check()
    if policy.objective not in _POLICIES:
        check.refuse("routing.objective", f"{policy.objective} is no objective that is known here")
    check.at_least("routing.max_attempts", policy.max_attempts, 0)
    check.at_least("routing.max_cost_nano_usd", policy.max_cost_nano_usd, 0)
    for name in ("providers", "excluded_providers", "regions", "fallback_models"):
        named = getattr(policy, name)
        if len(named) > _NAMES_MAX:
            check.refuse(f"routing.{name}", f"must hold at most {_NAMES_MAX} names")
        for index, one in enumerate(named):
            if one or name == "fallback_models":
                check.text(f"routing.{name}[{index}]", one, _MODEL_MAX_CHARS)

    def seconds(field: str) -> float | None:
        if not policy.HasField(field):
            return None
        return check.duration_s(f"routing.{field}", getattr(policy, field))

    wish = RouteWish(
        _POLICIES.get(policy.objective),
        tuple(policy.providers),
        tuple(policy.excluded_providers),
        tuple(policy.regions),
        tuple(policy.fallback_models),
        policy.disable_failover,
        policy.max_attempts,
        seconds("attempt_timeout"),
        seconds("first_token_timeout"),
        policy.max_cost_nano_usd,
        seconds("hedge_delay"),
        restart,
    )
    check.finish()
    return wish


_NO_WISH = RouteWish()


def question(
    request: pb.CompleteRequest | pb.StreamCompleteRequest | pb.ExplainRouteRequest,
    call: Call,
    *,
    restart: bool = False,
) -> Question:
    """What stands beside the spec is looked into at once, the spec itself only if it must be.

    The call's record is told the model and the labels.

    Raises ServiceFailure INVALID_REQUEST.
    """
    spec, record = request.spec, call.record
    idempotency_key, labels = "", NO_LABELS
    if not isinstance(request, pb.ExplainRouteRequest):
        idempotency_key = request.idempotency_key
        if request.labels:
            labels = dict(request.labels)
        if idempotency_key or labels:
            _check_beside(idempotency_key, labels)
    record.model, record.labels = spec.model, labels
    return Question(
        spec.model,
        content_of(spec),
        spec.HasField("sampling") and _is_deterministic(spec.sampling),
        partial(completion_spec, spec),
        route_wish(request, restart=restart),
        _cache_wish(request.cache) if request.HasField("cache") else NO_WISH,
        idempotency_key,
        call.deadline,
        record.tenant,
        record.request_id,
        record.method,
        labels,
        record.phases,
        record.span,
    )


def _is_deterministic(sampling: pb.SamplingParams) -> bool:
    if sampling.HasField("seed"):
        return True
    return sampling.HasField("temperature") and sampling.temperature == 0.0


def _check_beside(idempotency_key: str, labels: Mapping[str, str]) -> None:
    check = Check()
    if idempotency_key:
        check.text("idempotency_key", idempotency_key, _IDEMPOTENCY_KEY_MAX_CHARS)
    if len(labels) > _LABELS_MAX:
        check.refuse("labels", f"must hold at most {_LABELS_MAX} labels")
    for name, value in labels.items():
        check.text("labels", name, _LABEL_NAME_MAX_CHARS)
        if len(value) > _LABEL_VALUE_MAX_CHARS:
            check.refuse(f"labels[{name[:40]!r}]", f"at most {_LABEL_VALUE_MAX_CHARS} characters")
    check.finish()


def _cache_wish(policy: routing_pb2.CachePolicy) -> CacheWish:
    check = Check()
    if policy.mode not in _MODES:
        check.refuse("cache.mode", f"{policy.mode} is no mode that is known here")
    if policy.namespace:
        check.text("cache.namespace", policy.namespace, _NAMESPACE_MAX_CHARS)
    ttl_s, max_age_s = None, math.inf
    if policy.HasField("ttl"):
        ttl_s = check.duration_s("cache.ttl", policy.ttl, _WEEK_S)
    if policy.HasField("max_age"):
        max_age_s = check.duration_s("cache.max_age", policy.max_age, _WEEK_S)
    check.finish()
    return CacheWish(_MODES[policy.mode], ttl_s, max_age_s, policy.namespace)


@dataclass(frozen=True, slots=True)
class StreamWishes:
    """Times of 0 mean at once."""

    window_s: float = 0.0
    """How long deltas are gathered into one."""
    replay_interval_s: float = 0.0
    """The pause between the deltas of an answer from the cache."""
    route_events: bool = False


def stream_options(options: pb.StreamOptions) -> StreamWishes:
    """Raises ServiceFailure INVALID_REQUEST."""
    check = Check()

    def seconds(field: str) -> float:
        if not options.HasField(field):
            return 0.0
        path = f"stream_options.{field}"
        value_s = check.duration_s(path, getattr(options, field))
        check.within(path, value_s, 0.0, _STREAM_PAUSE_MAX_S)
        return value_s

    wishes = StreamWishes(
        seconds("coalesce_window"), seconds("replay_interval"), options.include_route_events
    )
    check.finish()
    return wishes


def require_embeddable(request: model_service_pb2.EmbedRequest) -> None:
    """Raises ServiceFailure INVALID_REQUEST."""
    check = Check()
    check.text("model", request.model, _MODEL_MAX_CHARS)
    if not 1 <= len(request.inputs) <= _EMBEDDING_INPUTS_MAX:
        check.refuse("inputs", f"must hold 1 to {_EMBEDDING_INPUTS_MAX} texts")
    for index, text in enumerate(request.inputs):
        check.text(f"inputs[{index}]", text)
    if request.HasField("dimensions"):
        check.at_least("dimensions", request.dimensions, 1)
    check.finish()
