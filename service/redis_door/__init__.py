"""The one door to Redis: how to get a client of a single server, a Sentinel's master or a cluster.

Every client has the same bounds: it tries once, connects and answers within a time limit, and its
URL cannot loosen that. Nothing else in the service imports redis.
"""

from service.redis_door.connecting import Client, connect, line, node_line
from service.redis_door.ending import end
from service.redis_door.faults import Fault, UnreachableError, fault, kind
from service.redis_door.line import Line, Words
from service.redis_door.slots import SLOTS_COUNT, Slots, slot_of, slots_by
from service.redis_door.terms import Mode, RedisTerms

__all__ = [
    "SLOTS_COUNT",
    "Client",
    "Fault",
    "Line",
    "Mode",
    "RedisTerms",
    "Slots",
    "UnreachableError",
    "Words",
    "connect",
    "end",
    "fault",
    "kind",
    "line",
    "node_line",
    "slot_of",
    "slots_by",
]
