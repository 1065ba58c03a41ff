"""Metrics that are read when they are exported: gauges, and sums that others keep anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from service.telemetry.catalogue import Kind, Metric
from service.telemetry.tallies import Values, named

Reading = Callable[[], Iterable[tuple[Values, float]]]
"""Gives the value for each set of attributes' values. Called on an exporter's thread."""
_log = structlog.get_logger()


def observe(meter: Meter, readings: Mapping[Metric, Reading]) -> None:
    """Registers them; from then on they are read at each export."""
    for metric, reading in readings.items():
        if not metric.observed:
            raise AssertionError(f"{metric} is counted, not read")
        create = (
            meter.create_observable_counter
            if metric.kind is Kind.COUNTER
            else meter.create_observable_gauge
        )
        create(metric.name, [_callback(metric, reading)], metric.unit, metric.description)


def _callback(
    metric: Metric, reading: Reading
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observations(_: CallbackOptions) -> Iterable[Observation]:
        try:
            # Whole before anything is told: what is read may change meanwhile.
            read = list(reading())
        except RuntimeError as error:
            # A mapping has changed while it was gone through. The next time it is read anew.
            _log.debug("a metric could not be read", metric=metric.name, error=str(error))
            return []
        return [Observation(value, named(metric, values)) for values, value in read]

    return observations
