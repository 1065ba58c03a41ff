"""What can be typed, and what is refused before anybody is asked."""

from __future__ import annotations

import pytest
from aiprovider_client.cli import main
from aiprovider_client.cli.arguments import parser
from aiprovider_client.cli.requests import routing_of
from aiprovider_client.routing import Routing


@pytest.mark.parametrize(
    "arguments",
    [
        ("complete", "gpt-4o", "Hi.", "--objective", "cheapest"),
        ("complete", "gpt-4o", "Hi.", "--max-cost", "0"),
        ("complete", "gpt-4o", "Hi.", "--hedge-after", "inf"),
        ("complete", "gpt-4o", "Hi.", "--restart"),
        ("explain", "gpt-4o", "--max-cost", "much"),
        ("explain", "gpt-4o", "--hedge"),
        ("count", "gpt-4o", "Hi.", "--fallback", "claude-sonnet-4-5"),
        ("health", "--watch", "--models"),
        ("models", "--timeout", "-1"),
        ("models", "--timeout", "soon"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A wish that cannot be meant, or would have to be ignored, is a mistake: exit code 2."""
    try:
        code = main(arguments)
    except SystemExit as error:  # as argparse ends
        code = error.code

    assert 2 == code
    assert "aip" in capsys.readouterr().err


def test_wishes_about_routing() -> None:
    """Every option has its wish; a flag before the model does not swallow it."""
    typed = (
        "complete --hedge --route gpt-4o Hi. --objective cost --provider a --provider b"
        " --exclude c --region eu --fallback m --fallback n --max-cost 0.01"
    )
    options = parser().parse_args(typed.split())

    expected = Routing(
        objective="cost",
        providers=["a", "b"],
        exclude=["c"],
        regions=["eu"],
        fallback=["m", "n"],
        cost_max_usd=0.01,
        hedge_delay_s=0.0,
    )
    assert ("gpt-4o", "Hi.", True) == (options.model, options.prompt, options.route)
    assert expected == routing_of(options)


@pytest.mark.parametrize(
    ("told", "expected"), [((), None), (("--hedge",), 0.0), (("--hedge-after", "0.5"), 0.5)]
)
def test_hedging(told: tuple[str, ...], expected: float | None) -> None:
    """Never, when the service thinks it is time, or after so long."""
    options = parser().parse_args(["stream", "gpt-4o", "Hi.", *told])

    assert expected == routing_of(options).hedge_delay_s
