"""`aip` tells how a request would be routed, and how it was."""

from __future__ import annotations

import json

from tests.contract.client.shell import aip
from tests.kit.stack import Stack

ELSEWHERE = ("--objective", "priority", "--fallback", "claude-sonnet-4-5")


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


async def test_explain(stack: Stack) -> None:
    """Everyone in the order in which they would be asked, with what their score is the sum of."""
    port = stack.app.server.port
    code, out, err = await aip(port, "explain", "gpt-4o", "--fallback", "claude-sonnet-4-5")

    head, first, second, by, cache = rows(out)
    assert (0, "") == (code, err)
    terms = ["score", "=", "affinity", "+", "health", "+", "success", "+", "time"]
    assert ["#", "candidate", "share", *terms] == head[: 3 + len(terms)]
    assert ["1", "openai/gpt-4o", "100.0", "%"] == first[:4]
    assert ["2", "anthropic/claude-sonnet-4-5"] == second[:2]
    assert ["by", "composite"] == by[:2]
    assert ["no", "cache", "key:"] == cache[:3]


async def test_explain_who_is_left_out(stack: Stack) -> None:
    """Who would not be asked comes last, with the reason."""
    port = stack.app.server.port
    code, out, _ = await aip(
        port, "explain", "gpt-4o", "Hi.", *ELSEWHERE, "--exclude", "openai", "--max-cost", "1"
    )

    _, first, last, *_ = rows(out)
    assert 0 == code
    assert ["1", "anthropic/claude-sonnet-4-5"] == first[:2]
    assert ["-", "openai/gpt-4o"] == last[:2]
    assert ["not", "wanted"] == last[-2:]


async def test_explain_nobody(stack: Stack) -> None:
    """When nobody would be asked, everyone is shown all the same, and the exit code is 1."""
    port = stack.app.server.port
    code, out, _ = await aip(port, "explain", "gpt-4o", "--region", "eu")

    assert 1 == code
    assert "region" == rows(out)[1][-1]
    assert "; nobody can be asked\n" in out


async def test_explain_in_json(stack: Stack) -> None:
    """--json prints the contract's own message."""
    port = stack.app.server.port
    _, out, _ = await aip(port, "explain", "--json", "gpt-4o", "--objective", "cost")

    told = json.loads(out)
    assert ["openai"] == [one["target"]["provider"] for one in told["candidates"]]
    assert "cost" == told["route"]["policy"]


async def test_the_route_of_an_answer(patient: Stack) -> None:
    """--route tells on standard error, after the answer, every attempt and every candidate."""
    port = patient.app.server.port
    code, out, err = await aip(port, "complete", "gpt-4o+status=503", "Hi.", *ELSEWHERE, "--route")

    assert (0, "Hello from anthropic: you said 'Hi.'.\n") == (code, out)
    _, _, failed, answered, _, first, second, by = rows(err)
    assert ["1", "openai/gpt-4o+status=503", "failed"] == failed[:3]
    assert ["PROVIDER_UNAVAILABLE", "503", "$0.00"] == failed[-3:]
    assert ["2", "anthropic/claude-sonnet-4-5", "ok"] == answered[:3]
    assert (["1", "openai/gpt-4o+status=503"], ["2", "anthropic/claude-sonnet-4-5"]) == (
        first[:2],
        second[:2],
    )
    assert ["by", "priority"] == by[:2]


async def test_the_route_of_a_failure(stack: Stack) -> None:
    """A failure tells its route, too."""
    port = stack.app.server.port
    code, out, err = await aip(port, "stream", "gpt-4o+status=401", "Hi.", *ELSEWHERE, "--route")
    _, _, told = await aip(port, "complete", "gpt-4o+status=401", "Hi.", *ELSEWHERE, "--json")

    assert (8, "") == (code, out)
    assert ["1", "openai/gpt-4o+status=401", "failed"] == rows(err)[-5][:3]
    assert ["2", "anthropic/claude-sonnet-4-5"] == rows(err)[-2][:2]
    assert "priority" == json.loads(told)["route"]["policy"]


async def test_hedging(patient: Stack) -> None:
    """--hedge-after asks a second one beside a silent first one."""
    port = patient.app.server.port
    hedged = (*ELSEWHERE, "--hedge-after", "0.02")
    code, out, err = await aip(port, "complete", "gpt-4o+hang=first-token", "Hi.", *hedged)

    assert (0, "Hello from anthropic: you said 'Hi.'.\n") == (code, out)
    assert "without answer: openai/gpt-4o+hang=first-token: cancelled" in err


async def test_restart(patient: Stack) -> None:
    """A line says that what was printed before is void; then the new answer follows."""
    port = patient.app.server.port
    code, out, err = await aip(port, "stream", "gpt-4o+cut-event=4", "Hi.", *ELSEWHERE, "--restart")

    void, mark, whole = out.splitlines()
    assert 0 == code
    assert void.startswith("Hello from openai")
    assert "[void: it broke off, and begins again from anthropic/claude-sonnet-4-5]" == mark
    assert "Hello from anthropic: you said 'Hi.'." == whole
    assert "without answer: openai/gpt-4o+cut-event=4: PROVIDER_UNAVAILABLE" in err


async def test_without_restart(patient: Stack) -> None:
    """Without --restart the answer breaks off: exit code 8, and nothing of another answer."""
    port = patient.app.server.port
    code, out, _ = await aip(port, "stream", "gpt-4o+cut-event=4", "Hi.", *ELSEWHERE)

    assert 8 == code
    assert "anthropic" not in out


async def test_explain_an_unknown_model(stack: Stack) -> None:
    """An unknown model has the same exit code as everywhere."""
    code, _, err = await aip(stack.app.server.port, "explain", "nope")

    assert 5 == code
    assert "MODEL_NOT_FOUND" in err
