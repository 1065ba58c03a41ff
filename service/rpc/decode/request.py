"""What stands beside the spec: routing, cache policy, labels. Refuses what is not done yet."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import model_service_pb2, routing_pb2

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.routing import RouteWish
from service.rpc.decode.check import Check

_LABELS_MAX = 32
_LABEL_NAME_MAX_CHARS = 64
_LABEL_VALUE_MAX_CHARS = 256
_COALESCE_WINDOW_MAX_S = 1.0
_EMBEDDING_INPUTS_MAX = 2048
_MODEL_MAX_CHARS = 256

_Objective = routing_pb2.RoutingPolicy
_PLAIN_OBJECTIVES = (_Objective.OBJECTIVE_UNSPECIFIED, _Objective.OBJECTIVE_BALANCED)


def route_wish(request: pb.CompleteRequest | pb.StreamCompleteRequest) -> RouteWish:
    """Raises ServiceFailure: INVALID_REQUEST, NOT_IMPLEMENTED."""
    if not request.HasField("routing"):
        return RouteWish()
    policy = request.routing
    if policy.objective not in _PLAIN_OBJECTIVES:
        raise _later("routing.objective other than OBJECTIVE_BALANCED")
    if policy.max_cost_nano_usd:
        raise _later("routing.max_cost_nano_usd")
    if policy.HasField("hedge_delay"):
        raise _later("routing.hedge_delay")
    check = Check()
    check.at_least("routing.max_attempts", policy.max_attempts, 0)
    for index, model in enumerate(policy.fallback_models):
        check.text(f"routing.fallback_models[{index}]", model, _MODEL_MAX_CHARS)
    attempt_timeout_s = first_token_timeout_s = None
    if policy.HasField("attempt_timeout"):
        attempt_timeout_s = check.duration_s("routing.attempt_timeout", policy.attempt_timeout)
    if policy.HasField("first_token_timeout"):
        first_token_timeout_s = check.duration_s(
            "routing.first_token_timeout", policy.first_token_timeout
        )
    check.finish()
    return RouteWish(
        tuple(policy.providers),
        tuple(policy.excluded_providers),
        tuple(policy.fallback_models),
        policy.disable_failover,
        policy.max_attempts,
        attempt_timeout_s,
        first_token_timeout_s,
    )


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
