"""A question in JSON, asked as a call of gRPC is: the same guard, servicer and messages.

Only methods that the contract calls free of side effects can be asked.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import grpc
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Context
from service.rpc.details import DETAILS_KEY, REQUEST_ID_KEY
from service.rpc.interceptors.guard import Guard

_PASSED_ON = ("authorization", REQUEST_ID_KEY, "traceparent", "tracestate")
_FREE = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS

Trailers = Sequence[tuple[str, str | bytes]]
Tell = Callable[[str], Awaitable[None]]
"""Hands on one message of a stream, in JSON."""


class Refused(Exception):  # noqa: N818 - it is an answer
    """The call failed. `body` is a `google.rpc.Status` in JSON."""

    def __init__(self, code: grpc.StatusCode, message: str, trailers: Trailers) -> None:
        super().__init__(message)
        self.code = code
        found = dict(trailers)
        self.request_id = str(found.get(REQUEST_ID_KEY, ""))
        status = status_pb2.Status(code=code.value[0], message=message)
        details = found.get(DETAILS_KEY)
        if isinstance(details, bytes):
            status = status_pb2.Status.FromString(details)
        self.body = written(status)


@dataclass(frozen=True, slots=True)
class Question:
    """One method that may be asked."""

    path: str
    request: type[Message]
    behaviour: Callable[[Any, Context], Awaitable[Any]]
    is_stream: bool


class Questions:
    """What may be asked, by the name of the method."""

    def __init__(self, guard: Guard, service: ServiceDescriptor, servicer: object) -> None:
        self._guard = guard
        self._known = {
            method.name: _question(service, method, servicer)
            for method in service.methods
            if method.GetOptions().idempotency_level == _FREE
        }

    def __repr__(self) -> str:
        return f"<Questions {', '.join(self._known)}>"

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def get(self, name: str) -> Question | None:
        return self._known.get(name)

    async def ask(
        self, question: Question, text: str, headers: Mapping[str, str], tell: Tell
    ) -> str:
        """`text` is the request in JSON, empty for one that says nothing. Raises Refused.

        Gives the response in JSON; of a stream nothing, `tell` was given each message.
        """
        context = _HttpContext(headers, tell)
        inner = _reading(question, text)
        # It asks of its context what ours can tell.
        response = await self._guard.serve(
            question.path, inner, question.request(), cast("Context", context)
        )
        return written(response) if isinstance(response, Message) else ""


def written(message: Message) -> str:
    """Every field, those that are empty too, so that a reader need not know the contract."""
    found = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def _question(service: ServiceDescriptor, method: MethodDescriptor, servicer: object) -> Question:
    return Question(
        f"/{service.full_name}/{method.name}",
        message_factory.GetMessageClass(method.input_type),
        getattr(servicer, method.name),
        method.server_streaming,
    )


def _reading(question: Question, text: str) -> Callable[[Any, Context], Awaitable[Any]]:
    # Inside of the guard: whoever is unknown does not learn what a request looks like.
    async def behaviour(request: Message, context: Context) -> Any:
        try:
            json_format.Parse(text or "{}", request, max_recursion_depth=20)
        except json_format.ParseError as error:
            raise ServiceFailure(
                ErrorReason.INVALID_REQUEST,
                f"the request is no {question.request.DESCRIPTOR.name} in JSON",
                violations=(FieldViolation("", str(error)),),
            ) from error
        return await question.behaviour(request, context)

    return behaviour


class _HttpContext:
    """As much of a gRPC context as the guard and the servicers ask for."""

    def __init__(self, headers: Mapping[str, str], tell: Tell) -> None:
        self._headers = headers
        self._tell = tell

    def invocation_metadata(self) -> Trailers:
        found = ((name, self._headers.get(name)) for name in _PASSED_ON)
        return [(name, value) for name, value in found if value is not None]

    def time_remaining(self) -> None:
        """A browser sets no deadline: the configured one holds."""

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return {}

    def set_trailing_metadata(self, trailers: Trailers) -> None:
        """Refusals bring theirs; answers need none."""

    async def abort(self, code: grpc.StatusCode, details: str, trailers: Trailers) -> NoReturn:
        raise Refused(code, details, trailers)

    async def write(self, message: Message) -> None:
        await self._tell(written(message))
