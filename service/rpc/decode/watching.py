"""How somebody wants to watch, or every mistake in it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.live import WINDOW_MAX_S
from service.rpc.decode.check import Check

_INTERVAL_S = 2.0
_INTERVAL_MIN_S = 0.2
_INTERVAL_MAX_S = 60.0
_WINDOW_S = 10


class Watching(NamedTuple):
    interval_s: float
    window_s: int


def watching(request: pb.WatchMetricsRequest) -> Watching:
    """Raises ServiceFailure."""
    check = Check()
    interval_s, window_s = _INTERVAL_S, float(_WINDOW_S)
    if request.HasField("interval"):
        interval_s = check.duration_s("interval", request.interval)
        check.within("interval", interval_s, _INTERVAL_MIN_S, _INTERVAL_MAX_S)
    if request.HasField("window"):
        window_s = check.duration_s("window", request.window)
        check.within("window", window_s, 1, WINDOW_MAX_S)
        if not window_s.is_integer():
            check.refuse("window", "must be a whole number of seconds")
    check.finish()
    return Watching(interval_s, int(window_s))
