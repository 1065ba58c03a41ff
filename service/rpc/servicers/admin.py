"""AdminService. Each deed needs a permission of its own, and is logged."""

from __future__ import annotations

import structlog
from aiprovider.v1 import admin_service_pb2 as pb
from aiprovider.v1 import admin_service_pb2_grpc as pb_grpc

from service.domain.errors import ServiceFailure
from service.domain.fingerprint import KEY_BYTES
from service.domain.kept import Selector
from service.domain.permission import Permission
from service.domain.reasons import ErrorReason
from service.ports import CacheAdmin, SharedCacheUnreachable
from service.rpc.call import Context, current, require
from service.rpc.decode.check import Check
from service.rpc.values import duration

_NAME_MAX_CHARS = 256
_RETRY_AFTER_S = 1.0
_log = structlog.get_logger()


class AdminServicer(pb_grpc.AdminServiceServicer):
    def __init__(self, cache: CacheAdmin) -> None:
        self._cache = cache

    async def InvalidateCache(
        self, request: pb.InvalidateCacheRequest, context: Context
    ) -> pb.InvalidateCacheResponse:
        require(Permission.CACHE_ADMIN)
        selector = _selector(request)
        call = current()
        who = call.identity
        told = {
            "caller": who.caller,
            "tenant": who.tenant,
            "selector": _logged(selector),
            "request_id": call.record.request_id,
        }
        try:
            done = await self._cache.invalidate(selector)
        except SharedCacheUnreachable as unreachable:
            _log.warning("cache invalidated on this replica alone", **told)
            raise ServiceFailure(
                ErrorReason.SHARED_CACHE_UNAVAILABLE,
                f"the shared cache did not confirm ({unreachable}): so far the answers are void on"
                " this replica alone. The others are told as soon as it can be reached; ask again"
                " to know when",
                retry_after_s=_RETRY_AFTER_S,
            ) from unreachable
        _log.warning("cache invalidated", **told, local_entries=done.local_entries)
        return pb.InvalidateCacheResponse(
            local_entries=done.local_entries,
            takes_effect_within=duration(done.reaches_within_s),
            takes_effect_cut_off_within=duration(done.cut_off_within_s),
        )


def _logged(selector: Selector) -> str:
    """Of a key only its first digits: enough to know it again."""
    said = {
        "tenant": selector.tenant,
        "namespace": selector.namespace,
        "model": selector.model,
        "key": selector.key and f"{selector.key.hex()[:8]}...",
    }
    words = [f"{name}={value!r}" for name, value in said.items() if value is not None]
    return " ".join(words) or "everything"


def _selector(request: pb.InvalidateCacheRequest) -> Selector:
    """Raises ServiceFailure INVALID_REQUEST."""
    check = Check()
    said = [name for name in ("tenant", "namespace", "model", "key") if request.HasField(name)]
    for name in said:
        if len(getattr(request, name)) > _NAME_MAX_CHARS:
            check.refuse(name, f"must have at most {_NAME_MAX_CHARS} characters")
    if request.everything and said:
        check.refuse("everything", f"cannot stand beside {', '.join(said)}")
    if not request.everything and not said:
        check.refuse(
            "everything", "set tenant, namespace, model or key; or this one to make all void"
        )
    key: bytes | None = None
    if request.HasField("key"):
        key = _key(request.key, check)
        if len(said) > 1:
            check.refuse("key", "names one answer: nothing else may stand beside it")
    check.finish()
    return Selector(
        request.tenant if request.HasField("tenant") else None,
        request.namespace if request.HasField("namespace") else None,
        request.model if request.HasField("model") else None,
        key,
    )


def _key(text: str, check: Check) -> bytes | None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or len(text) != 2 * KEY_BYTES:
        check.refuse("key", f"must be {2 * KEY_BYTES} hexadecimal digits, as CacheInfo tells them")
        return None
    return key
