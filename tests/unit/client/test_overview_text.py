"""What a screenful tells of groups."""

from __future__ import annotations

from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider_client.cli.overview_text import overview


def test_a_provider_that_answered_nobody() -> None:
    """How long its answers took is not known, which is not 0."""
    failed = pb.UsageBucket(dimensions={"provider": "local"}, attempts=1)
    told = pb.GetOverviewResponse(top_providers=[failed])

    (line,) = (line for line in overview(told).splitlines() if line.startswith("local"))

    assert ["local", "0", "1", "0", "$0.00", "-"] == line.split()
