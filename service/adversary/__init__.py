"""A provider that misbehaves on demand: loopback HTTP in the wire formats of four providers.

For tests, the demo, benchmarks, and callers' own CI. Stands alone: imports nothing of the service.
"""

from service.adversary.command import main
from service.adversary.recording import Recorded
from service.adversary.scenario import Scenario
from service.adversary.server import Adversary

__all__ = ["Adversary", "Recorded", "Scenario", "main"]
