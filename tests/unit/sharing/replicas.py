"""Replicas with clocks of their own that share by hand, in virtual time: no Redis, no waiting."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.peers import Peer, believed, seen
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.sharing.blob import decode, encode

A, B = ModelRef("a", "m"), ModelRef("b", "m")
DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=503)


class World:
    """What the replicas have in common: true time, and a hash."""

    def __init__(self, count: int) -> None:
        self.now = 0.0
        self.fields: dict[int, bytes] = {}
        self.replicas = [Replica(self, number) for number in range(count)]

    def passes(self, seconds: float) -> None:
        """True time goes on, and nobody tells anything."""
        self.now += seconds

    def rounds(self, count: int = 1, among: Sequence[Replica] | None = None) -> None:
        """Once a second each tells and hears, one after the other."""
        for _ in range(count):
            self.now += 1.0
            for replica in self.replicas if among is None else among:
                replica.shares()


class Replica:
    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        # No two clocks agree.
        self.board = Scoreboard(lambda: world.now + 1e5 * (number + 1), Random(number))
        self.peers: dict[int, Peer] = {}
        self._told_count = 0

    def shares(self) -> None:
        self._told_count += 1
        now = self.board.clock()
        self.world.fields[self.number] = encode(self._told_count, self.board.words())
        for number, blob in self.world.fields.items():
            if number != self.number:
                self.peers[number] = seen(self.peers.get(number), *decode(blob), now)
        self.board.hear(believed(self.peers.values(), now))

    def sees(
        self, target: ModelRef, failure: ProviderFailure | None = None, times: int = 1
    ) -> None:
        for _ in range(times):
            start = self.board.began(target)
            first_token_s = None if failure else 0.1
            how = Ended(0.2, failure, first_token_s=first_token_s, start=start)
            self.board.ended(target, how)

    def view(self, target: ModelRef) -> View:
        return self.board.views([Candidate(target, "m")])[0]

    def quota_left_s(self, target: ModelRef) -> float:
        return max(0.0, self.view(target).quota_until - self.board.clock())
