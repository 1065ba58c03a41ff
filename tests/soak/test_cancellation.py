"""A thousand callers who leave, on the engine that takes minutes for them."""

from __future__ import annotations

from pathlib import Path

from tests.contract.test_cancellation import cancels


async def test_a_thousand_cancels_through_litellm(tmp_path: Path) -> None:
    """Each connection of a caller who left is closed within 100 ms; no task, no slot stays."""
    await cancels(tmp_path, "litellm", waves=167, size=6, stay_max_s=0.2)
