"""What every contestant is asked, over HTTP or gRPC: the same prompts of the same model."""

from __future__ import annotations

import itertools
import json
import random

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2

PROMPT_COUNT = 100
PROMPT_CHARACTERS = 1000
ANSWER_DELTAS = 222
ANSWER_CHARACTERS = 1000
"""So many have the adversary's words `w0 ` to `w221 `."""
MODEL = f"gpt-4o+tokens={ANSWER_DELTAS}"
_WORDS = ("river", "answer", "cloud", "seven", "window", "garden", "paper", "stone", "letter")


def prompts() -> list[str]:
    """No two alike, and the same ones in every process."""
    return [_prompt(number) for number in range(PROMPT_COUNT)]


def http_bodies() -> list[bytes]:
    """For `POST /v1/chat/completions`."""
    return [
        json.dumps(
            {
                "model": MODEL,
                "temperature": 0,
                "messages": [{"role": "user", "content": prompt}],
            }
        ).encode()
        for prompt in prompts()
    ]


def grpc_requests() -> list[pb.CompleteRequest]:
    """For `CompletionService.Complete`."""
    return [
        pb.CompleteRequest(
            spec=pb.CompletionSpec(
                model=MODEL,
                sampling=pb.SamplingParams(temperature=0),
                messages=[
                    content_pb2.Message(
                        role=content_pb2.ROLE_USER, parts=[content_pb2.Part(text=prompt)]
                    )
                ],
            )
        )
        for prompt in prompts()
    ]


def _prompt(number: int) -> str:
    draw = random.Random(number)
    words = (draw.choice(_WORDS) for _ in itertools.count())
    text = f"Question {number}:"
    while len(text) < PROMPT_CHARACTERS:
        text += f" {next(words)}"
    return text[:PROMPT_CHARACTERS]
