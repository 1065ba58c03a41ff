"""Whom alerts are told: the log, which collectors of logs follow, and every webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import structlog

from service.alerts.notice import Origin, firing_id, notice
from service.alerts.webhooks import Webhook, WebhookTerms
from service.domain.alerts import Alert

REMOVED_WITHIN_S = 5.0
"""What waits for a webhook that a reload has removed is tried for so long."""
_log = structlog.get_logger()


class Telling:
    """`tell` never waits. To be made in a running loop; `aclose` ends it."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._session: aiohttp.ClientSession | None = None
        self._webhooks: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._parting: set[Webhook] = set()
        self._dropped_before = 0

    def __repr__(self) -> str:
        return f"<Telling the log and {', '.join(self._webhooks) or 'no webhook'}>"

    @property
    def dropped_count(self) -> int:
        """Notices that were given up, of all webhooks there ever were."""
        there = [*self._parting, *(webhook for webhook, _ in self._webhooks.values())]
        return self._dropped_before + sum(webhook.dropped_count for webhook in there)

    def adopt(self, terms: Sequence[WebhookTerms]) -> None:
        """Takes over webhooks. What waits for one that stays, by its name, waits on."""
        fresh = {one.name: one for one in terms}
        for name in [name for name in self._webhooks if name not in fresh]:
            webhook, task = self._webhooks.pop(name)
            self._parting.add(webhook)
            leaving = asyncio.create_task(self._close(webhook, task, REMOVED_WITHIN_S))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        for name, one in fresh.items():
            if name in self._webhooks:
                self._webhooks[name][0].terms = one
                continue
            if self._session is None:
                self._session = aiohttp.ClientSession()
            webhook = Webhook(one, self._session)
            self._webhooks[name] = webhook, asyncio.create_task(webhook.run())

    def tell(self, alert: Alert) -> None:
        """To all of them."""
        self._log(alert)
        if self._webhooks:
            told = notice(alert, self.origin)
            for webhook, _ in self._webhooks.values():
                webhook.put(told)

    async def aclose(self, within_s: float) -> None:
        """What waits is tried once more, all webhooks at once, for no longer than that."""
        self._parting |= {webhook for webhook, _ in self._webhooks.values()}
        closing = [self._close(*one, within_s) for one in self._webhooks.values()]
        self._webhooks = {}
        await asyncio.gather(*closing, *self._leaving)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _close(self, webhook: Webhook, task: asyncio.Task[None], within_s: float) -> None:
        await webhook.close(task, within_s)
        self._parting.discard(webhook)
        self._dropped_before += webhook.dropped_count

    def _log(self, alert: Alert) -> None:
        rule, reading = alert.rule, alert.standing.reading
        measured = {}
        if reading is not None:
            measured = {
                "value": round(reading.value, 6),
                "threshold": round(reading.limits.worse, 6),
                "unit": rule.unit,
            }
        log, event = _log.warning, "alert firing"
        if not alert.is_firing:
            log, event = _log.info, "alert resolved"
        log(
            event,
            rule=rule.name,
            kind=rule.kind.value,
            severity=rule.severity.value,
            subject=str(alert.subject),
            why=alert.why.value,
            id=firing_id(alert, self.origin),
            **measured,
        )
