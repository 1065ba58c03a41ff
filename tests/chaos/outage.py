"""A total outage of a minute, of either kind. Not part of `make test`: run by `make chaos`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.scene import LEADER, SECOND, THIRD, Scene, scene

AMPLIFICATION_MAX = 1.2
EVERY_S = 0.05
DURATION_S = 60.0


@pytest.mark.parametrize("fault", ["status=503", "hang=headers"])
async def test_a_minute(tmp_path: Path, score: Callable[[str, Scene], None], fault: str) -> None:
    """In a total outage upstream attempts stay within 1.2 times what is offered."""
    async with scene(tmp_path) as made:
        made.fault(fault, LEADER, SECOND, THIRD)
        await made.ask_many(int(DURATION_S / EVERY_S), every_s=EVERY_S)
        score(f"total outage for 60 s: {fault}", made)

    assert made.upstream() <= AMPLIFICATION_MAX * len(made.seen)
    late = ("PROVIDER_TIMEOUT", "DEADLINE_EXCEEDED")
    made.require("PROVIDER_UNAVAILABLE", "NO_HEALTHY_PROVIDER", *late)
