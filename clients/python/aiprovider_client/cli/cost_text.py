"""What a person is told of money: what a request cost, and what a model does."""

from __future__ import annotations

from aiprovider.v1 import model_service_pb2, usage_pb2

from aiprovider_client.cli.figures import usd


def cost(told: usage_pb2.Cost) -> str:
    """`$0.00123`, and in words whatever makes it less than sure."""
    if told.saved_nano_usd:
        return f"$0.00, saved {usd(told.saved_nano_usd)}"
    if told.unpriced:
        least = f", at least {usd(told.total_nano_usd)}" if told.total_nano_usd else ""
        return f"cost unknown{least}"
    estimated = told.provenance == usage_pb2.COST_PROVENANCE_ESTIMATED
    return usd(told.total_nano_usd) + " (estimated)" * estimated


def prices(table: model_service_pb2.PriceTable) -> str:
    """Of a million tokens in and out."""
    told = table.input_nano_usd_per_million_tokens, table.output_nano_usd_per_million_tokens
    return " + ".join(map(usd, told))
