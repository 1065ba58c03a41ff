"""Answers that are known already: whether one may be taken, where it lies, and where new ones go.

Two places: answers by what was asked, and answers by idempotency key. The second is for whoever
repeats a request, and is told apart from what the cache policy says.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import NamedTuple

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.cache_use import NO_WISH, CacheConduct, CacheUse, cache_use, refresh_is_due
from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.fingerprint import answer_key, repeat_key
from service.domain.kept import Kept
from service.domain.reasons import ErrorReason
from service.domain.request import Question
from service.domain.waited import Waited
from service.pipeline.known_failures import KnownFailures
from service.pipeline.told import Landed
from service.ports import AnswerCache, CacheJournal, Scribe

Scope = Callable[[Question], bytes]
_MODEL_MAX_CHARS = 256
_NO_USE = CacheUse(read=False, keep_s=0.0, share=False)


class Asked(NamedTuple):
    """A question, and what its cache wishes come to. Keys are empty where they mean nothing."""

    question: Question
    use: CacheUse
    key: bytes
    repeat_key: bytes = b""
    waited: Waited | None = None
    """All that it waits for Redis. None where each look may take the whole time."""


class Found(NamedTuple):
    kept: Kept
    note: CacheNote


class Answers:
    """`scope` tells who may answer a question, and on which terms; `conduct` may be replaced.

    `repeats` holds the answers to idempotency keys.
    """

    def __init__(
        self,
        cache: AnswerCache,
        repeats: AnswerCache,
        scribe: Scribe,
        scope: Scope,
        counters: CacheJournal,
    ) -> None:
        self.cache = cache
        self.conduct = CacheConduct()
        self.counters = counters
        self.failures = KnownFailures(cache.now)
        self._repeats = repeats
        self._scribe = scribe
        self._scope = scope
        self.draw = random.random

    def __repr__(self) -> str:
        return f"<Answers {self.cache!r}, {self.failures!r}>"

    def asked(self, question: Question) -> Asked:
        if len(question.model) > _MODEL_MAX_CHARS:
            # Refused when the spec is read: such a name is not to be remembered anywhere.
            return Asked(question, _NO_USE, b"", b"")
        terms = self.conduct.terms_for(question.model, question.tenant)
        if question.cache is NO_WISH:
            use = terms.usual[question.deterministic]
        else:
            use = cache_use(question.cache, terms, deterministic=question.deterministic)
        repeat = b""
        if question.idempotency_key:
            repeat = repeat_key(question.tenant, question.idempotency_key)
        # To ask once for what is to be billed once is worth a wait.
        waited = None if repeat else Waited()
        if not use.share:
            return Asked(question, use, b"", repeat, waited)
        key = answer_key(self._scope(question), question.content)
        return Asked(question, use, key, repeat, waited)

    def as_of_now(self, asked: Asked) -> Asked:
        """Without the key, where it is not what it would be now."""
        if not asked.key:
            return asked
        present = answer_key(self._scope(asked.question), asked.question.content)
        return asked if present == asked.key else asked._replace(key=b"")

    def local(self, asked: Asked) -> Found | None:
        """From the memory of this replica. Raises ServiceFailure where it is known to fail."""
        if asked.repeat_key:
            found = self._repeated(asked, self._repeats.local(asked.repeat_key))
            if found is not None:
                return found
        if not asked.use.read or not asked.key:
            return None
        kept = self.cache.local(asked.key)
        if kept is not None:
            return self._found(asked, kept, CacheStatus.HIT_LOCAL)
        failure = self.failures.find(self._failing(asked))
        if failure is not None:
            self.counters.known_failure(asked.question.tenant)
            raise failure
        return None

    async def shared(self, asked: Asked) -> Found | None:
        """From the cache that replicas share."""
        if not asked.repeat_key:
            kept = await self.cache.shared(asked.key, asked.waited) if asked.use.read else None
        else:
            repeated, kept = await asyncio.gather(
                self._repeats.shared(asked.repeat_key),
                self.cache.shared(asked.key) if asked.use.read else _nothing(),
            )
            found = self._repeated(asked, repeated)
            if found is not None:
                return found
        return None if kept is None else self._found(asked, kept, CacheStatus.HIT_SHARED)

    async def recheck(self, asked: Asked, after: float, waited: Waited | None) -> Kept | None:
        """What another replica has made since `after`, and kept; any answer to a key of ours."""
        if asked.repeat_key:
            return await self._repeats.shared(asked.repeat_key, waited)
        if not asked.use.read:
            return None
        kept = await self.cache.shared(asked.key, waited)
        return kept if kept is not None and kept.made_at > after else None

    def peek(self, question: Question) -> tuple[bytes, bool]:
        """The key, empty if such answers are not kept; and whether memory has a fresh answer."""
        asked = self.asked(question)
        kept = self.cache.local(asked.key) if asked.use.read else None
        max_age_s = question.cache.max_age_s
        return asked.key, kept is not None and self._age_s(kept) <= max_age_s

    def keep(self, asked: Asked, landed: Landed, keep_s: float) -> None:
        """`keep_s` is how long whoever waited for it wants it kept."""
        kept = landed.kept
        if kept.size_bytes > self.conduct.entry_bytes_max:
            return
        if asked.repeat_key:
            self._keep_for_repeats(asked, kept)
        if asked.key and keep_s > 0 and landed.keepable:
            self.cache.keep(asked.key, replace(kept, expires_at=kept.made_at + keep_s))

    def fail(self, asked: Asked, failure: ServiceFailure) -> None:
        """Remembers what would fail again."""
        if asked.key:
            self.failures.remember(self._failing(asked), failure, self.conduct.failure_ttl_s)

    def _failing(self, asked: Asked) -> Hashable:
        # Who has other wishes may find somebody who can; and what is void is to be asked again.
        return asked.key, asked.question.wish, self.cache.generation

    def is_to_be_refreshed(self, found: Found) -> bool:
        """Whether the answer that was taken is to be asked for anew, beside the request."""
        kept, note, eagerness = found.kept, found.note, self.conduct.early_refresh
        if note.status is CacheStatus.REPEATED:
            return False
        taken_at = kept.made_at + note.age_s
        if kept.expires_at - taken_at > kept.took_s * eagerness * _FARTHEST_DRAW:
            return False
        return refresh_is_due(taken_at, kept.expires_at, kept.took_s, eagerness, self.draw())

    def as_whole(self, found: Found) -> Kept:
        """With `whole`; of a hit it is kept in memory for the next one who asks so."""
        kept = found.kept
        if kept.whole is None:
            kept = self._scribe.as_whole(kept)
            self._replace(found, kept)
        return kept

    def as_stream(self, found: Found) -> Kept:
        kept = found.kept
        if kept.finished is None:
            kept = self._scribe.as_stream(kept)
            self._replace(found, kept)
        return kept

    def _replace(self, found: Found, kept: Kept) -> None:
        if found.note.status in (CacheStatus.HIT_LOCAL, CacheStatus.HIT_SHARED):
            self.cache.replace_local(found.note.key, kept)

    def _found(self, asked: Asked, kept: Kept, status: CacheStatus) -> Found | None:
        age_s = self._age_s(kept)
        if age_s > asked.question.cache.max_age_s:
            return None
        self.counters.hit(asked.question.tenant, status, age_s, kept)
        if asked.repeat_key:
            self._keep_for_repeats(asked, kept)
        return Found(kept, CacheNote(status, asked.key, age_s))

    def _keep_for_repeats(self, asked: Asked, kept: Kept) -> None:
        until = self.cache.now() + self.conduct.idempotency_ttl_s
        self._repeats.keep(asked.repeat_key, replace(kept, expires_at=until))

    def _age_s(self, kept: Kept) -> float:
        return max(0.0, self.cache.now() - kept.made_at)

    def _repeated(self, asked: Asked, kept: Kept | None) -> Found | None:
        if kept is None:
            return None
        require_same(asked.question, kept.content)
        self.counters.repeated(asked.question.tenant, kept)
        return Found(kept, CacheNote(CacheStatus.REPEATED, asked.key, self._age_s(kept)))


_FARTHEST_DRAW = 40.0
"""More than -ln(1 - draw) ever is: no draw reaches beyond it."""


async def _nothing() -> None:
    """In place of a lookup that is not wanted."""


def require_same(question: Question, content: bytes) -> None:
    """Raises ServiceFailure where an idempotency key comes with another spec than before."""
    if content != question.digest:
        raise ServiceFailure(
            ErrorReason.IDEMPOTENCY_KEY_REUSED,
            "the idempotency key was used before with another spec: use a new key for it",
            violations=(FieldViolation("idempotency_key", "was used with another spec"),),
        )
