"""The whole service with telemetry on: what a real OTLP receiver is sent, by gRPC and by HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.config import load
from service.telemetry.logs import LogWriter
from service.telemetry.redaction import Redactor
from tests.kit.otlp import Received, attributes, grpc_receiver, http_receiver, points
from tests.kit.serving import streaming, unary
from tests.kit.stack import Stack, environment, running

TELEMETRY = "AI_PROVIDER__TELEMETRY__"
SAMPLE = f"{TELEMETRY}TRACES__SAMPLE"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CANARY = "canary-7d1f0c"
Receiver = Callable[[], AbstractContextManager[Received]]
RECEIVERS = {"grpc": grpc_receiver, "http/protobuf": http_receiver}
# The first one fails, the second one answers.
FAILS_OVER = {
    "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "3",
    "AI_PROVIDER__ROUTING__POLICY": "priority",
    "AI_PROVIDER__ROUTING__ALIASES": json.dumps(
        {"any": ["gpt-4o+status=500", "claude-sonnet-4-5"]}
    ),
    "AI_PROVIDER__PROVIDERS__OPENAI__SEND_TRACE_CONTEXT": "true",
}


@asynccontextmanager
async def told(
    folder: Path, received: Received, protocol: str = "grpc", **more: str
) -> AsyncGenerator[Stack]:
    variables = {
        f"{TELEMETRY}ENDPOINT": received.endpoint,
        f"{TELEMETRY}PROTOCOL": protocol,
        SAMPLE: "1",
        **more,
    }
    async with running(folder, **variables) as stack:
        yield stack


async def flush(stack: Stack) -> None:
    """Everything so far is with the receiver."""
    signals = stack.app.telemetering.signals
    assert signals is not None
    await asyncio.to_thread(stack.app.journal.flush)
    await asyncio.to_thread(signals.flush)


async def fails(asked: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asked
    return caught.value


def metadata(flags: str = "01") -> Any:
    return (("traceparent", f"00-{TRACE}-{PARENT}-{flags}"), ("tracestate", "vendor=1"))


@pytest.mark.parametrize("protocol", RECEIVERS)
async def test_a_failover_is_one_trace(tmp_path: Path, protocol: str) -> None:
    """One server span below the caller's, and below it one span for each attempt."""
    with RECEIVERS[protocol]() as received:
        async with told(tmp_path, received, protocol, **FAILS_OVER) as stack:
            await stack.completion.Complete(unary(model="any"), metadata=metadata())
            sent = [request.headers for request in stack.adversary.requests]
            await flush(stack)
        server, failed, answered = received.spans

    assert {bytes.fromhex(TRACE)} == {span.trace_id for span in received.spans}
    assert {"vendor=1"} == {span.trace_state for span in received.spans}
    assert bytes.fromhex(PARENT) == server.parent_span_id
    assert server.span_id == failed.parent_span_id == answered.parent_span_id
    assert Span.SPAN_KIND_SERVER == server.kind
    assert Span.SPAN_KIND_CLIENT == failed.kind == answered.kind
    assert "aiprovider.v1.CompletionService/Complete" == server.name
    assert ["chat gpt-4o+status=500", "chat claude-sonnet-4-5"] == [failed.name, answered.name]
    assert server.start_time_unix_nano <= failed.start_time_unix_nano
    assert failed.end_time_unix_nano <= answered.start_time_unix_nano + 10**6
    assert answered.end_time_unix_nano <= server.end_time_unix_nano + 10**6
    assert Status.STATUS_CODE_UNSET == server.status.code == answered.status.code
    assert Status.STATUS_CODE_ERROR == failed.status.code
    # The provider that may know was told its attempt's span, the other one nothing.
    assert f"00-{TRACE}-{failed.span_id.hex()}-01" == sent[0]["traceparent"]
    assert "vendor=1" == sent[0]["tracestate"]
    assert not {"traceparent", "tracestate"} & sent[-1].keys()


async def test_what_spans_say(tmp_path: Path) -> None:
    """Attributes are those that docs/telemetry.md lists."""
    with grpc_receiver() as received:
        async with told(tmp_path, received, **FAILS_OVER) as stack:
            answer = await stack.completion.Complete(unary(model="any"))
            await flush(stack)
        server, failed, answered = map(attributes, received.spans)

    assert {
        "rpc.system.name": "grpc",
        "rpc.method": "aiprovider.v1.CompletionService/Complete",
        "rpc.response.status_code": "OK",
        "aiprovider.request_id": answer.id,
        "aiprovider.tenant": "anonymous",
        "aiprovider.kept": "sampled",
        "gen_ai.request.model": "any",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "aiprovider.provider": "anthropic",
        "aiprovider.cache.status": "bypassed",
    } == server
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o+status=500",
        "aiprovider.provider": "openai",
        "aiprovider.outcome": "failed",
        "aiprovider.request_id": answer.id,
        "error.type": "PROVIDER_UNAVAILABLE",
        "http.response.status_code": 500,
    }.items() <= failed.items()
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": answer.usage.input_tokens,
        "gen_ai.usage.output_tokens": answer.usage.output_tokens,
        "aiprovider.outcome": "ok",
        "aiprovider.provenance": "computed",
    }.items() <= answered.items()
    assert answered["aiprovider.cost_nano_usd"] > 0
    assert not {"gen_ai.response.model", "gen_ai.response.finish_reasons"} & failed.keys()


async def test_the_model_that_a_provider_says_it_used(tmp_path: Path) -> None:
    """A span tells it beside the one asked for, and why it stopped, whole or as a stream."""
    with grpc_receiver() as received:
        async with told(tmp_path, received) as stack:
            await stack.completion.Complete(unary(model="gpt-4o+finish=length"))
            async for _ in stack.completion.StreamComplete(
                streaming(model="gpt-4o+finish=tool_calls")
            ):
                pass
            await flush(stack)
        chats = [attributes(span) for span in received.spans if span.name.startswith("chat")]

    assert [
        ("gpt-4o+finish=length", "gpt-4o", ["length"]),
        ("gpt-4o+finish=tool_calls", "gpt-4o", ["tool_call"]),
    ] == [
        (
            chat["gen_ai.request.model"],
            chat["gen_ai.response.model"],
            chat["gen_ai.response.finish_reasons"],
        )
        for chat in chats
    ]


async def test_the_tail_is_kept(tmp_path: Path) -> None:
    """At a share of 0 the failed and the slow are told, with their attempts, and nobody else."""
    variables = {SAMPLE: "0", f"{TELEMETRY}TRACES__SLOW_S": "0.15"}
    with grpc_receiver() as received:
        async with told(tmp_path, received, **variables) as stack:
            await stack.completion.Complete(unary(model="gpt-4o"))
            await fails(stack.completion.Complete(unary(model="gpt-4o+status=500")))
            await stack.completion.Complete(unary(model="gpt-4o+latency=200ms"))
            await fails(stack.completion.Complete(unary(model="nobody-has-it")))
            await flush(stack)

    assert [
        ("aiprovider.v1.CompletionService/Complete", "failed"),
        ("chat gpt-4o+status=500", None),
        ("aiprovider.v1.CompletionService/Complete", "slow"),
        ("chat gpt-4o+latency=200ms", None),
    ] == [(span.name, attributes(span).get("aiprovider.kept")) for span in received.spans]
    assert Status.STATUS_CODE_ERROR == received.spans[0].status.code


async def test_a_caller_that_does_not_sample(tmp_path: Path) -> None:
    """Its decision counts, and is handed on; what fails is told nevertheless, in its trace."""
    with grpc_receiver() as received:
        async with told(tmp_path, received, **FAILS_OVER) as stack:
            await stack.completion.Complete(unary(model="gpt-4o"), metadata=metadata("00"))
            broken = unary(model="gpt-4o+status=500")
            await fails(stack.completion.Complete(broken, metadata=metadata("00")))
            sent = stack.adversary.requests[-1].headers["traceparent"]
            await flush(stack)

    server, *attempts = received.spans
    assert "failed" == attributes(server)["aiprovider.kept"]
    assert bytes.fromhex(PARENT) == server.parent_span_id
    assert f"00-{TRACE}-{attempts[-1].span_id.hex()}-00" == sent


@pytest.mark.parametrize("protocol", RECEIVERS)
async def test_metrics_add_up(tmp_path: Path, protocol: str) -> None:
    """Sums are those of the answers; an exemplar leads to its trace."""
    more = {"AI_PROVIDER__CACHE__ENABLED": "true", f"{TELEMETRY}TENANTS": "somebody"}
    with RECEIVERS[protocol]() as received:
        async with told(tmp_path, received, protocol, **FAILS_OVER, **more) as stack:
            first = await stack.completion.Complete(unary(model="any"))
            await stack.completion.Complete(unary(model="any"))
            async for _ in stack.completion.StreamComplete(streaming("Else", "gpt-4o")):
                pass
            await flush(stack)
        metrics = received.metrics()

    calls = {attributes(point)["rpc.method"]: point for point in points(metrics[CALLS])}
    unaries = calls["aiprovider.v1.CompletionService/Complete"]
    assert 2 == unaries.count
    assert {"aiprovider.tenant": "*other*"}.items() <= attributes(unaries).items()
    assert {span.trace_id for span in received.spans} >= {e.trace_id for e in unaries.exemplars}
    assert unaries.exemplars
    assert {"failed": 1, "ok": 2} == summed(metrics["aiprovider.attempts"], "aiprovider.outcome")
    assert {"ok": 1} == summed(metrics["aiprovider.failovers"], "aiprovider.outcome")
    cost = summed(metrics["aiprovider.cost_nano_usd"], "aiprovider.provider")
    assert first.cost.total_nano_usd == cost["anthropic"]
    saved = summed(metrics["aiprovider.saved_nano_usd"], "aiprovider.cache.status")
    assert {"hit_local": first.cost.total_nano_usd} == saved
    cache = summed(metrics["aiprovider.cache.requests"], "aiprovider.cache.status")
    assert (1, 2) == (cache["hit_local"], cache["miss"])
    tokens = [
        point.sum
        for point in points(metrics["gen_ai.client.token.usage"])
        if {"anthropic", "output"} <= set(attributes(point).values())
    ]
    assert [first.usage.output_tokens] == tokens
    assert 1 == next(iter(points(metrics["gen_ai.server.time_to_first_token"]))).count
    assert "ai-provider" == received.resources[0]["service.name"]


CALLS = "rpc.server.call.duration"


def summed(metric: Any, by: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for point in points(metric):
        value = attributes(point)[by]
        sums[value] = sums.get(value, 0) + point.as_int
    return sums


async def test_no_text_leaves(tmp_path: Path) -> None:
    """Neither a prompt nor an answer is in any byte that is sent; not even of what failed."""
    with grpc_receiver() as received:
        async with told(tmp_path, received, **FAILS_OVER, **{f"{TELEMETRY}LOGS": "true"}) as stack:
            answer = await stack.completion.Complete(unary(CANARY, "any", labels={"a": "b"}))
            await fails(stack.completion.Complete(unary(CANARY, "gpt-4o+status=500")))
            async for _ in stack.completion.StreamComplete(streaming(CANARY, "gpt-4o")):
                pass
            await flush(stack)

    assert received.spans
    assert CANARY.encode() not in received.bytes
    assert answer.message.parts[0].text.encode() not in received.bytes


async def test_text_leaves_where_it_may(tmp_path: Path) -> None:
    """Switched on, attempts hold what was asked and answered, as redactor and hook leave it."""
    more = {
        f"{TELEMETRY}CONTENT": "on",
        f"{TELEMETRY}CONTENT_HOOK": "tests.kit.otlp:without_canaries",
    }
    with grpc_receiver() as received:
        async with told(tmp_path, received, **FAILS_OVER, **more) as stack:
            asked = f"{CANARY} and sk-abcdefgh12345678 and what else"
            await stack.completion.Complete(unary(asked, "any"))
            async for _ in stack.completion.StreamComplete(streaming("A stream", "gpt-4o")):
                pass
            await flush(stack)
    attempts = [attributes(span) for span in received.spans if span.kind == Span.SPAN_KIND_CLIENT]

    failed, answered, streamed = attempts
    told_of = json.loads(answered["gen_ai.input.messages"])
    text = "***** and ******** and what else"
    assert [{"role": "user", "parts": [{"type": "text", "content": text}]}] == told_of
    assert failed["gen_ai.input.messages"] == answered["gen_ai.input.messages"]
    assert "gen_ai.output.messages" not in failed
    assert f"Hello from anthropic: you said '{text}'." in answered["gen_ai.output.messages"]
    assert "stop" == json.loads(streamed["gen_ai.output.messages"])[0]["finish_reason"]
    assert CANARY.encode() not in received.bytes
    assert b"sk-abcdefgh" not in received.bytes


async def test_lines_of_the_log(tmp_path: Path) -> None:
    """Each is sent as it stands in the log, with its trace and its span; the last ones, too."""
    out = io.StringIO()
    writer = LogWriter(Redactor(["hunter2-hunter2"]), json=True, out=out)
    with grpc_receiver() as received:
        variables = {
            f"{TELEMETRY}ENDPOINT": received.endpoint,
            f"{TELEMETRY}LOGS": "true",
            SAMPLE: "1",
        }
        async with running(tmp_path, log_writer=writer, **variables) as stack:
            await stack.completion.Complete(unary(model="gpt-4o"))
            await asyncio.to_thread(stack.app.journal.flush)
            writer.put({"event": "odd", "level": "warning", "note": "hunter2-hunter2"})
        writer.close()
    call, odd = received.lines
    server = received.spans[0]

    assert (server.trace_id, server.span_id) == (call.trace_id, call.span_id)
    assert "call" == json.loads(call.body.string_value)["event"]
    assert server.span_id.hex() == json.loads(call.body.string_value)["span_id"]
    assert ("warning", b"") == (odd.severity_text, odd.trace_id)
    assert b"hunter2" not in received.bytes
    assert [line.body.string_value for line in (call, odd)] == out.getvalue().splitlines()


async def test_a_page_for_prometheus(tmp_path: Path) -> None:
    """It is served where it is asked for, and names metrics as the catalogue says."""
    import aiohttp
    from prometheus_client.parser import text_string_to_metric_families

    from service.telemetry.catalogue import ALERT_FIRING, METRICS

    more = {f"{TELEMETRY}PROMETHEUS__ENABLED": "true", f"{TELEMETRY}PROMETHEUS__PORT": "0"}
    async with running(tmp_path, **FAILS_OVER, **more) as stack:
        async for _ in stack.completion.StreamComplete(streaming(model="any")):
            pass
        await asyncio.to_thread(stack.app.journal.flush)
        signals = stack.app.telemetering.signals
        assert signals is not None
        assert signals.page is not None
        url = f"http://127.0.0.1:{signals.page.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert 200 == page.status
            families = {f.name: f for f in text_string_to_metric_families(await page.text())}

    samples = {sample.name for family in families.values() for sample in family.samples}
    of_attempts = families["aiprovider_attempts"].samples
    assert {"failed": 1.0, "ok": 1.0} == {
        sample.labels["aiprovider_outcome"]: sample.value for sample in of_attempts
    }
    # Nothing of these has happened.
    quiet = {"aiprovider.hedges", "aiprovider.attempts.unpriced", "aiprovider.saved_nano_usd"}
    for metric in METRICS:
        if metric.name in quiet or metric is ALERT_FIRING:
            continue
        assert {metric.prometheus, f"{metric.prometheus}_bucket"} & samples, metric.name


async def test_a_dead_collector(tmp_path: Path) -> None:
    """Calls are answered and logged as ever, and the end is not held up."""
    out = io.StringIO()
    writer = LogWriter(Redactor(), json=True, out=out)
    variables = {
        f"{TELEMETRY}ENDPOINT": "http://127.0.0.1:9",
        f"{TELEMETRY}FLUSH_S": "0.2",
        SAMPLE: "1",
    }
    async with running(tmp_path, log_writer=writer, **variables) as stack:
        for _ in range(20):
            await stack.completion.Complete(unary(model="gpt-4o"))
        await asyncio.to_thread(stack.app.journal.flush)
        began = time.monotonic()
    took_s = time.monotonic() - began
    writer.close()

    assert took_s < 2.0
    calls = [line for line in out.getvalue().splitlines() if '"event":"call"' in line]
    assert 20 == len(calls)


async def test_the_end_tells_what_is_left(tmp_path: Path) -> None:
    """Spans and metrics of the last calls are sent before the process ends."""
    with grpc_receiver() as received:
        async with told(tmp_path, received) as stack:
            await stack.completion.Complete(unary(model="gpt-4o"))

    assert ["aiprovider.v1.CompletionService/Complete", "chat gpt-4o"] == [
        span.name for span in received.spans
    ]
    assert {"ok": 1} == summed(received.metrics()["aiprovider.attempts"], "aiprovider.outcome")


async def test_a_reload_lets_no_text_out(tmp_path: Path) -> None:
    """Whether texts are told, and past which hook, is settled when the process begins."""
    with grpc_receiver() as received:
        async with told(tmp_path, received) as stack:
            more = {
                f"{TELEMETRY}ENDPOINT": received.endpoint,
                f"{TELEMETRY}CONTENT": "on",
                SAMPLE: "1",
            }
            changed = environment(stack.adversary, **more)
            fresh = load(changed, directory=tmp_path, secrets_dir=tmp_path / "none")
            await stack.app.reload(fresh)
            await stack.completion.Complete(unary(CANARY, "gpt-4o"))
            await flush(stack)

    assert received.spans
    assert CANARY.encode() not in received.bytes


def test_nobody_pays_who_wants_none() -> None:
    """The SDK and its exporters are imported only where telemetry is on."""
    code = "import sys, service.app; print(*(name for name in sys.modules))"
    names = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "service.telemetering" in names
    assert not {"opentelemetry.sdk.trace.export", "service.telemetry.otel.signals"} & set(names)
    assert not any(name.startswith("opentelemetry.exporter") for name in names)
