"""What a replica saw itself, by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.domain.breaker import Breaker
from service.domain.quota import Quota
from service.domain.stats import Stats


@dataclass
class Seen:
    """What a board keeps of a candidate, as far as `domain.peers.Own` cares."""

    stats: Stats = Stats()
    breaker: Breaker = Breaker()
    quota: Quota = Quota()
    turned_at: float = -math.inf
    answered_at: float = -math.inf
