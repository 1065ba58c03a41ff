"""The one door to Redis: how to get a client of a single server, a Sentinel's master or a cluster.

Every client has the same bounds: it tries once, connects and answers within a time limit, and its
URL cannot loosen that. Nothing else in the service imports redis.
"""

from service.redis_door.cluster import owners
from service.redis_door.connecting import Client, connect, connect_node
from service.redis_door.faults import Fault, fault, kind
from service.redis_door.terms import Mode, RedisTerms

__all__ = [
    "Client",
    "Fault",
    "Mode",
    "RedisTerms",
    "connect",
    "connect_node",
    "fault",
    "kind",
    "owners",
]
