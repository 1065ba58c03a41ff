"""What can be typed, and what is refused before anybody is asked."""

from __future__ import annotations

import pytest
from aiprovider_client.caching import Caching
from aiprovider_client.cli import main
from aiprovider_client.cli.arguments import parser
from aiprovider_client.cli.requests import caching_of, routing_of
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
        ("complete", "gpt-4o", "Hi.", "--cache", "sometimes"),
        ("complete", "gpt-4o", "Hi.", "--cache-ttl", "-1"),
        ("complete", "gpt-4o", "Hi.", "--max-age", "nan"),
        ("complete", "gpt-4o", "Hi.", "--namespace", "n" * 129),
        ("complete", "gpt-4o", "Hi.", "--idempotency-key", ""),
        ("complete", "gpt-4o", "Hi.", "--idempotency-key", "k" * 129),
        ("complete", "gpt-4o", "Hi.", "--replay-interval", "0.1"),
        ("stream", "gpt-4o", "Hi.", "--replay-interval", "1.1"),
        ("explain", "gpt-4o", "--max-age", "inf"),
        ("explain", "gpt-4o", "--idempotency-key", "k"),
        ("count", "gpt-4o", "Hi.", "--cache", "off"),
        ("cache",),
        ("cache", "invalidate"),
        ("cache", "invalidate", "--model", "gpt-4o", "--everything"),
        ("cache", "invalidate", "--key", "c0ffee", "--tenant", "acme"),
        ("cache", "invalidate", "--key", "client.pem"),
        ("cache", "invalidate", "--tenant", ""),
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


@pytest.mark.parametrize("command", ["complete", "stream", "explain"])
def test_wishes_about_the_cache(command: str) -> None:
    """Every option has its wish; without any, nothing is said of the cache."""
    typed = "--cache refresh --cache-ttl 0 --max-age 2.5 --namespace n"
    told = parser().parse_args([command, "gpt-4o", "Hi.", *typed.split()])
    silent = parser().parse_args([command, "gpt-4o", "Hi."])

    assert Caching(mode="refresh", ttl_s=0, max_age_s=2.5, namespace="n") == caching_of(told)
    assert caching_of(silent) is None


def test_which_answers_the_refusal_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Making void without a word about which is refused, and every way to say it is named."""
    main(["cache", "invalidate"])

    told = capsys.readouterr().err
    for option in ("--tenant", "--namespace", "--model", "--key", "--everything"):
        assert option in told


def test_two_keys() -> None:
    """Where `--key` is that of an answer, the client's own key still has an option."""
    typed = "cache invalidate --key c0ffee --cert c.pem --tls-key k.pem"
    invalidate = parser().parse_args(typed.split())
    stats = parser().parse_args(["cache", "stats", "--cert", "c.pem", "--key", "k.pem"])

    assert ("c0ffee", "k.pem") == (invalidate.answer_key, str(invalidate.key))
    assert "k.pem" == str(stats.key)
