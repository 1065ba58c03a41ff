"""The part of the composition root that watches what operators are told of, and tells them."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from service.alerts.counted import Counted
from service.alerts.evaluator import Evaluator, Sources
from service.alerts.known import Known
from service.alerts.notice import Origin
from service.alerts.spending import Spending
from service.alerts.telling import Telling
from service.alerts.webhooks import WebhookTerms
from service.config import AlertSettings, Settings
from service.config.alert_values import rules
from service.domain.health import ProviderHealth
from service.ports import Ledger

CLOSED_WITHIN_S = 5.0
"""What has not been delivered at the end is tried for so long, and no longer than a drain."""


class Alerting:
    """`counted` is a sink of the journal. `start`, then `adopt` whenever the configuration
    changes. To be made in a running loop.
    """

    def __init__(
        self, settings: Settings, healths: Callable[[], Sequence[ProviderHealth]], ledger: Ledger
    ) -> None:
        self.counted = Counted(time.time())
        self._telling = Telling(_origin(settings))
        sources = Sources(self.counted, healths, Spending(ledger, time.time))
        self.evaluator = Evaluator(sources, self._telling.tell)
        self._task: asyncio.Task[None] | None = None
        self._within_s = CLOSED_WITHIN_S
        self.adopt(settings)

    def __repr__(self) -> str:
        return f"<Alerting {self.evaluator!r}, {self._telling!r}>"

    @property
    def dropped_count(self) -> int:
        """Alerts that a webhook was not told."""
        return self._telling.dropped_count

    def firing(self) -> Iterable[tuple[tuple[str, str, str], float]]:
        """A 1 for the rule, the severity and the subject of every alert that fires now."""
        for rule, subject in self.evaluator.firing():
            yield (rule.name, rule.severity.value, str(subject)), 1.0

    def known(self) -> Known:
        """What is told to those who ask."""
        evaluator = self.evaluator
        alerts = evaluator.book.alerts(time.time())
        rules_count, evaluated_at = len(evaluator.book.rules), evaluator.evaluated_at
        return Known(alerts, self._telling.origin, rules_count, evaluated_at)

    def start(self) -> None:
        self._task = asyncio.create_task(self.evaluator.run())

    def adopt(self, settings: Settings) -> None:
        """Takes over rules, webhooks and intervals. A rule that is the same keeps its alerts."""
        alerts = settings.alerts
        self._within_s = min(CLOSED_WITHIN_S, settings.server.drain.grace_s)
        self._telling.adopt(_webhooks(alerts))
        self.evaluator.interval_s = alerts.interval_s
        self.evaluator.adopt(rules(alerts.active_rules), alerts.repeat_s)

    async def aclose(self) -> None:
        """Evaluates no more; what waits for a webhook is tried once more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._telling.aclose(self._within_s)


def _origin(settings: Settings) -> Origin:
    service = settings.service
    started = f"{os.getpid()} {time.time()}"
    return Origin(service.name, service.environment, socket.gethostname(), started)


def _webhooks(settings: AlertSettings) -> list[WebhookTerms]:
    return [
        WebhookTerms(
            one.name,
            one.url.get_secret_value(),
            one.secret.get_secret_value(),
            one.rules,
            one.timeout_s,
            one.retry_s,
        )
        for one in settings.webhooks
    ]
