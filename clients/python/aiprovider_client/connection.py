"""Channels, deadlines and metadata: what every call of the client has in common."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from aiprovider_client.channel import Tls, open_channel
from aiprovider_client.errors import from_rpc

T = TypeVar("T")


class _NotOpen:
    """Stands where stubs will, so that whoever forgot to open a client is told what to do."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("the client is not open: `async with Client(...) as client:` opens it")


NOT_OPEN: Any = _NotOpen()


class Connection:
    """An async context: the channels are open inside."""

    def __init__(
        self,
        target: str = "localhost:8005",
        *,
        api_key: str = "",
        tls: Tls | None = None,
        timeout_s: float = 60.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._target = target
        self._api_key = api_key
        self._tls = tls
        self._timeout_s = timeout_s
        self._metadata = dict(metadata or {})
        self._channel: Any = None
        self._health_channel: Any = None

    def __repr__(self) -> str:
        return f"<Client of {self._target}>"

    async def __aenter__(self) -> Self:
        self._channel = open_channel(self._target, self._tls)
        # How it does must be told above all when it does not well.
        self._health_channel = open_channel(self._target, self._tls, heeds_health=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._channel.close()
        await self._health_channel.close()

    async def _answered(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error

    def _options(self, timeout_s: float | None = None, request_id: str = "") -> dict[str, Any]:
        metadata = [("x-request-id", request_id or uuid.uuid4().hex), *self._metadata.items()]
        if self._api_key:
            metadata.append(("authorization", f"Bearer {self._api_key}"))
        deadline_s = self._timeout_s if timeout_s is None else timeout_s
        if deadline_s <= 0:
            raise ValueError(f"timeout_s must be more than 0, not {deadline_s:g}")
        return {"timeout": deadline_s, "metadata": metadata}
