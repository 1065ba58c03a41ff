"""What is asked, as the contract says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2

Prompt = str | Sequence[content_pb2.Message]
"""A user's text, or messages."""


def completion_spec(
    model: str, prompt: Prompt, system: str, spec: pb.CompletionSpec | None
) -> pb.CompletionSpec:
    """A copy of `spec` with the model and the messages added."""
    whole = pb.CompletionSpec()
    if spec is not None:
        whole.CopyFrom(spec)
    whole.model = model
    if system:
        whole.messages.append(_message(content_pb2.ROLE_SYSTEM, system))
    if isinstance(prompt, str):
        whole.messages.append(_message(content_pb2.ROLE_USER, prompt))
    else:
        whole.messages.extend(prompt)
    return whole


def _message(role: Any, text: str) -> content_pb2.Message:
    return content_pb2.Message(role=role, parts=[content_pb2.Part(text=text)])
