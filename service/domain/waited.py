"""How long one request has waited for what replicas share, on its way to the provider. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Waited:
    """Carried by a request. Who makes it wait adds to it, and waits no longer than what is left."""

    seconds: float = 0.0

    def left_s(self, of_s: float) -> float:
        """What is left of `of_s`; 0 where too little is left to be worth a round trip."""
        left_s = of_s - self.seconds
        return left_s if left_s >= of_s / _WORTH_IT else 0.0


_WORTH_IT = 8.0
