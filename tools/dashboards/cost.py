"""What requests cost, and what was not spent."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.panels import Board, lines, stacked, stat
from tools.dashboards.query import CALLS, dollars, increase, legend, or_none, rate, share, spent

_PER_HOUR = "3600"


def _hourly(nano_per_second: str) -> str:
    return f"{dollars(nano_per_second)} * {_PER_HOUR}"


def cost() -> Board:
    panels = [
        stat(
            "Cost",
            "Of all attempts in the time that is shown, as far as prices are known.",
            dollars(increase(of.COST)),
            "currencyUSD",
        ),
        stat(
            "An hour like this",
            "What an hour costs at the present rate.",
            _hourly(rate(of.COST)),
            "currencyUSD",
        ),
        stat(
            "Saved",
            "What answers would have cost that no provider was asked for.",
            or_none(dollars(increase(of.SAVED))),
            "currencyUSD",
        ),
        stat(
            "Price unknown",
            "Attempts whose cost is not known: the true cost is higher.",
            or_none(increase(of.UNPRICED)),
            "short",
            (("orange", 1),),
        ),
        stacked(
            "By provider",
            "Dollars an hour.",
            [(_hourly(rate(of.COST, (of.PROVIDER,))), legend(of.PROVIDER))],
            "currencyUSD",
        ),
        stacked(
            "By model",
            "Dollars an hour, by the model that was asked.",
            [(_hourly(rate(of.COST, (of.MODEL,))), legend(of.MODEL))],
            "currencyUSD",
        ),
        stacked(
            "By tenant",
            "Dollars an hour, of the tenants that `telemetry.tenants` names; the others are one.",
            [(_hourly(rate(of.COST, (of.TENANT,))), legend(of.TENANT))],
            "currencyUSD",
        ),
        stacked(
            "By how it is known",
            "Reported by the provider, computed from its token counts, or estimated from the text.",
            [(_hourly(rate(of.COST, (of.PROVENANCE,))), legend(of.PROVENANCE))],
            "currencyUSD",
        ),
        stacked(
            "Saved",
            "Dollars an hour that were not spent, by what the cache did.",
            [(_hourly(rate(of.SAVED, (of.CACHE_STATUS,))), legend(of.CACHE_STATUS))],
            "currencyUSD",
        ),
        lines(
            "A request",
            "Cost over requests, those that were answered from the cache included.",
            [
                (
                    share(dollars(rate(of.COST)), rate(of.CALL_DURATION, where=CALLS)),
                    "cost of a request",
                )
            ],
            "currencyUSD",
        ),
        stacked(
            "Tokens",
            "Tokens per second that attempts consumed.",
            [(spent(of.TOKEN_USAGE, (of.TOKEN_TYPE,)), legend(of.TOKEN_TYPE))],
            "short",
        ),
        stacked(
            "Tokens by provider",
            "Input and output tokens per second.",
            [(spent(of.TOKEN_USAGE, (of.PROVIDER,)), legend(of.PROVIDER))],
            "short",
        ),
    ]
    return Board(
        "cost", "Cost", "What requests cost, by whom and what, and what was not spent.", panels
    )
