"""What stands beside the spec: routing, cache policy, labels. Refuses what is not done yet."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import model_service_pb2, routing_pb2

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.routing import RouteWish
from service.domain.scoring import PolicyName
from service.rpc.decode.check import Check

_LABELS_MAX = 16
_LABEL_NAME_MAX_CHARS = 64
_LABEL_VALUE_MAX_CHARS = 256
_COALESCE_WINDOW_MAX_S = 1.0
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
    for index, model in enumerate(policy.fallback_models):
        check.text(f"routing.fallback_models[{index}]", model, _MODEL_MAX_CHARS)

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


def require_supported(request: pb.CompleteRequest | pb.StreamCompleteRequest) -> None:
    """Raises ServiceFailure for wishes that would not be honoured, and for bad labels."""
    if request.idempotency_key:
        raise _later("idempotency_key")
    if request.cache.mode == routing_pb2.CachePolicy.MODE_ONLY_IF_CACHED:
        raise ServiceFailure(
            ErrorReason.CACHE_MISS, "this release has no answer cache, so nothing is cached"
        )
    if not request.labels:
        return
    check = Check()
    if len(request.labels) > _LABELS_MAX:
        check.refuse("labels", f"must hold at most {_LABELS_MAX} labels")
    for name, value in request.labels.items():
        check.text("labels", name, _LABEL_NAME_MAX_CHARS)
        if len(value) > _LABEL_VALUE_MAX_CHARS:
            check.refuse(f"labels[{name[:40]!r}]", f"at most {_LABEL_VALUE_MAX_CHARS} characters")
    check.finish()


def coalesce_window_s(options: pb.StreamOptions) -> float:
    """0 when every delta is to be sent at once. Raises ServiceFailure INVALID_REQUEST."""
    if not options.HasField("coalesce_window"):
        return 0.0
    check = Check()
    field = "stream_options.coalesce_window"
    window_s = check.duration_s(field, options.coalesce_window)
    check.within(field, window_s, 0.0, _COALESCE_WINDOW_MAX_S)
    check.finish()
    return window_s


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


def _later(what: str) -> ServiceFailure:
    return ServiceFailure(
        ErrorReason.NOT_IMPLEMENTED, f"{what} is in the contract, but this release lacks it"
    )
