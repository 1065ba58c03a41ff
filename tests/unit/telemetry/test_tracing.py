"""Which spans are told when attempts end before their call, or after it."""

from __future__ import annotations

from dataclasses import replace

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import Phases
from service.domain.provider import ModelRef
from service.telemetry.content import ContentPolicy
from service.telemetry.keeping import Kept
from service.telemetry.otel.spans import SpanMaker
from service.telemetry.otel.tracing import WAITING_MAX, Tracing
from service.telemetry.redaction import Redactor
from tests.unit.telemetry.records import SAMPLED, SPAN, attempt, call


class Told:
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        maker = SpanMaker(Resource({}), InstrumentationScope("t"), str, lambda: "d" * 16)
        self.tracing = Tracing(maker, self.spans.append, ContentPolicy(Redactor()))

    @property
    def names(self) -> list[str]:
        return [span.name.rpartition("/")[2] for span in self.spans]


def test_sampled_attempts_do_not_wait() -> None:
    """Nothing has to be decided about them."""
    told = Told()
    told.tracing.attempt(attempt(SAMPLED))

    assert ["chat gpt-4o"] == told.names


def test_others_wait_for_their_call() -> None:
    """They are told with a call that is kept, and forgotten with one that is not."""
    told = Told()
    other = SPAN._replace(span_id="e" * 16)
    told.tracing.attempt(attempt())
    told.tracing.attempt(attempt(other))

    told.tracing.call(call(other), None)
    assert not told.names
    told.tracing.call(call(), Kept.FAILED)
    assert ["chat gpt-4o", "Complete"] == told.names
    assert "<Tracing 0 calls in the making>" == repr(told.tracing)


def test_a_late_attempt_follows_its_call() -> None:
    """An attempt that outlives a call that was kept is told, too."""
    told = Told()
    told.tracing.call(call(), Kept.SLOW)
    told.tracing.attempt(attempt())

    assert ["Complete", "chat gpt-4o"] == told.names


def test_a_late_attempt_of_a_call_that_was_not_kept() -> None:
    """It waits for nobody, and takes nobody's place: those wait whose call goes on."""
    told = Told()
    told.tracing.attempt(attempt())
    for number in range(WAITING_MAX + 1):
        left = SPAN._replace(span_id=f"{number + 1:016x}")
        told.tracing.call(call(left, code="CANCELLED"), None)
        told.tracing.attempt(attempt(left))
    told.tracing.call(call(), Kept.SLOW)

    assert ["chat gpt-4o", "Complete"] == told.names


def test_waiting_is_bounded() -> None:
    """Attempts whose calls never end make room for others, the oldest first."""
    told = Told()
    for number in range(WAITING_MAX + 10):
        told.tracing.attempt(attempt(SPAN._replace(span_id=f"{number + 1:016x}")))

    assert f"<Tracing {WAITING_MAX} calls in the making>" == repr(told.tracing)


def test_nothing_is_told_of_what_is_not_traced() -> None:
    """A record without a span has none."""
    told = Told()
    told.tracing.attempt(attempt(None, span_id=""))
    told.tracing.call(call(None), None)

    assert not told.names


def test_a_cache_and_a_queue_have_spans() -> None:
    """Each is inside its call, as long as it took; who hardly waited was in no queue."""
    told = Told()
    note = CacheNote(CacheStatus.MISS, b"k")
    phases = Phases(cache_s=0.125, queue_s=0.25, route_s=0.0625, provider_s=0.0)
    told.tracing.call(call(cache=note, phases=phases), Kept.SAMPLED)
    told.tracing.call(call(cache=note, phases=Phases(queue_s=0.0005)), Kept.SAMPLED)

    assert ["Complete", "cache", "queue", "Complete", "cache"] == told.names
    server, cache, queue = told.spans[:3]
    assert (999.5, 1000.0) == (seconds(server.start_time), seconds(server.end_time))
    assert (999.5, 999.625) == (seconds(cache.start_time), seconds(cache.end_time))
    assert (999.6875, 999.9375) == (seconds(queue.start_time), seconds(queue.end_time))
    assert cache.parent is not None
    assert int(SPAN.span_id, 16) == cache.parent.span_id


def seconds(nanos: int | None) -> float:
    assert nanos is not None
    return nanos / 10**9


def test_names_of_models_are_bounded() -> None:
    """A caller chooses them: however long one is, its spans are not."""
    told = Told()
    long = "m" * 100_000
    record = attempt(SAMPLED)
    wild = replace(record.attempt, target=ModelRef("openai", long))
    told.tracing.attempt(record._replace(attempt=wild))
    told.tracing.call(call(SAMPLED, model=long), Kept.SAMPLED)

    for span in told.spans:
        assert len(span.name) < 300
        assert len(str((span.attributes or {})["gen_ai.request.model"])) == 256
