"""What not every caller may do. A tenant's own completions need no permission."""

from __future__ import annotations

from enum import Enum


class Permission(Enum):
    CACHE_ADMIN = "cache_admin"
    """Make cached answers void, and read the cache statistics of all tenants."""
    ANALYTICS_ALL = "analytics_all"
    """See usage, costs, failures and alerts of all tenants."""
