"""For whom a rule of the configuration holds: for some models, for some tenants, or for all."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase


def concerns(models: Collection[str], tenants: Collection[str], model: str, tenant: str) -> bool:
    """`models` are names or patterns that callers ask for; an empty collection means all."""
    if tenants and tenant not in tenants:
        return False
    return not models or any(fnmatchcase(model, pattern) for pattern in models)
