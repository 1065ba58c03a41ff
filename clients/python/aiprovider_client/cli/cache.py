"""`aip cache`: what the answer cache did, and making its answers void."""

from __future__ import annotations

import argparse

from aiprovider_client.cli import output
from aiprovider_client.cli.requests import client_of

_SELECTORS = ("tenant", "namespace", "model", "answer_key")
_WHICH = (
    "says which answers: --tenant, --namespace and --model together, --key alone,"
    " or --everything to make all void"
)


async def cache(options: argparse.Namespace) -> int:
    return await (_stats if options.deed == "stats" else _invalidate)(options)


async def _stats(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        stats = await client.cache_stats(all_tenants=options.all)
    if options.json:
        output.print_json(stats)
    else:
        output.print_cache_stats(stats)
    return 0


async def _invalidate(options: argparse.Namespace) -> int:
    if not options.everything and all(getattr(options, name) is None for name in _SELECTORS):
        raise ValueError(f"nothing {_WHICH}")
    async with client_of(options) as client:
        done = await client.invalidate_cache(
            tenant=options.tenant,
            namespace=options.namespace,
            model=options.model,
            key=options.answer_key,
            everything=options.everything,
        )
    if options.json:
        output.print_json(done)
    else:
        output.print_invalidated(done)
    return 0
