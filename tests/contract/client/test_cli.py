"""`aip` as a shell sees it: output, errors, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.client import shell
from tests.kit.stack import Stack


async def aip(stack: Stack, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    return await shell.aip(stack.app.server.port, *arguments, stdin=stdin)


async def test_complete(stack: Stack) -> None:
    """The answer on standard output, how it came to be on standard error."""
    code, out, err = await aip(stack, "complete", "gpt-4o", "Hi.")

    assert (0, "Hello from openai: you said 'Hi.'.\n") == (code, out)
    assert "openai/gpt-4o: stop, 1 + 6 tokens" in err
    # 1 token at 2.50 USD for a million, 6 at 10.
    assert ", $0.0000625\n" in err


async def test_stream_from_standard_input(stack: Stack) -> None:
    """A prompt may come through a pipe."""
    code, out, _ = await aip(stack, "stream", "claude-x", stdin="Piped.")

    assert (0, "Hello from anthropic: you said 'Piped.'.\n") == (code, out)


async def test_json(stack: Stack) -> None:
    """--json prints messages of the contract, one to a line for streams, and errors too."""
    _, whole, _ = await aip(stack, "complete", "--json", "gpt-4o", "Hi.")
    _, lines, _ = await aip(stack, "stream", "--json", "gpt-4o", "Hi.")
    code, _, err = await aip(stack, "complete", "--json", "nope", "Hi.")

    assert "FINISH_REASON_STOP" == json.loads(whole)["finishReason"]
    assert "finished" in json.loads(lines.splitlines()[-1])
    assert (5, "MODEL_NOT_FOUND") == (code, json.loads(err)["reason"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("complete", "nope", "Hi."), 5),
        (("complete", "gpt-4o", "Hi.", "--temperature", "9"), 2),
        (("complete", "gpt-4o+status=429", "Hi.", "--timeout", "1"), 6),
        (("complete", "gpt-4o+status=401", "Hi."), 8),
        (("stream", "gpt-4o+cut-event=4", "Hi."), 8),
        (("complete", "gpt-4o+hang=headers", "Hi.", "--timeout", "0.3"), 7),
        (("health", "nope"), 5),
        (("complete", "gpt-4o", "Hi.", "--schema", "no-such-file"), 2),
        (("complete",), 2),
    ],
)
async def test_exit_codes(stack: Stack, arguments: tuple[str, ...], expected: int) -> None:
    """A script can tell failures apart by the exit code, a person by the words."""
    code, _, err = await aip(stack, *arguments)

    assert expected == code, err
    assert err


async def test_unreachable(stack: Stack) -> None:
    """Nobody there: exit code 3 or 7, and a hint at what to check."""
    code, _, err = await aip(
        stack, "complete", "--server", "127.0.0.1:1", "--timeout", "1", "m", "x"
    )

    assert code in (3, 7)
    assert "127.0.0.1:1" in err or "DEADLINE" in err.upper()


async def test_models_and_health(stack: Stack) -> None:
    """Models in columns, health in lines; a named service's in one."""
    _, models, err = await aip(stack, "models", "--provider", "deepseek")
    _, health, _ = await aip(stack, "health")
    _, liveness, _ = await aip(stack, "health", "liveness")

    assert "deepseek-chat" in models
    assert "models" in err
    assert health.startswith("readiness: SERVING\n")
    assert "liveness: SERVING\n" == liveness


async def test_tools_and_schemas(stack: Stack, tmp_path: Path) -> None:
    """Tools and schemas come from files; tool calls are printed."""
    tool = tmp_path / "tool.json"
    tool.write_text(json.dumps({"name": "weather", "parameters": {"type": "object"}}))
    schema = tmp_path / "schema.json"
    schema.write_text('{"type":"object","properties":{"city":{"type":"string"}}}')
    _, called, _ = await aip(stack, "complete", "gpt-4o+tools=1", "Hi.", "--tool", str(tool))
    _, fitted, _ = await aip(stack, "complete", "gpt-4o", "Hi.", "--schema", str(schema))

    assert called.startswith("[tool call] weather({}) id=")
    assert {"city": "text"} == json.loads(fitted)
