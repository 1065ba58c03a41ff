"""`aip health`: how the service does by the standard protocol, and its providers by our own."""

from __future__ import annotations

import argparse
import asyncio

from aiprovider_client.cli import output
from aiprovider_client.cli.providers import can_serve
from aiprovider_client.cli.requests import client_of
from aiprovider_client.client import Client
from aiprovider_client.errors import NotImplementedByServiceError

NO = 1
"""The exit code of a question whose answer is no."""

_READINESS = "readiness"
_SERVING = "SERVING"
_NOT_TOLD = "the service does not tell how its providers do"


async def health(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        if options.watch:
            if options.models or options.refresh:
                raise ValueError("--watch tells of providers only, and as they change")
            await _watch(client, options)
            return 0
        service = options.service or _READINESS
        status = await client.health(service, timeout_s=options.timeout)
        output.print_health(service, status, as_json=options.json)
        able = options.service or await _providers(client, options)
    return 0 if able and status == _SERVING else NO


async def _providers(client: Client, options: argparse.Namespace) -> bool:
    """Prints how the providers do; False when none can serve."""
    try:
        checked = await client.providers(
            options.provider, models=options.models, refresh=options.refresh
        )
    except NotImplementedByServiceError:
        output.note(_NOT_TOLD)
        return True
    if options.json:
        output.print_json_line(checked)
    else:
        output.print_providers(checked)
    return can_serve(checked)


async def _watch(client: Client, options: argparse.Namespace) -> None:
    try:
        async with asyncio.TaskGroup() as watches:
            watches.create_task(_watch_service(client, options))
            if not options.service:
                watches.create_task(_watch_providers(client, options))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _watch_service(client: Client, options: argparse.Namespace) -> None:
    service = options.service or _READINESS
    async for status in client.watch_health(service):
        output.print_health(service, status, as_json=options.json)


async def _watch_providers(client: Client, options: argparse.Namespace) -> None:
    try:
        async for changed in client.watch_providers(options.provider):
            output.print_provider(changed, as_json=options.json)
    except NotImplementedByServiceError:
        output.note(_NOT_TOLD)
