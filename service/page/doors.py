"""Who may speak to the page at all, and what every answer says to browsers. Pure.

Keys are not looked at here: questions are asked through the guard, which knows them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "ai-provider",
}
_OWN_SITES = ("same-origin", "none")
_LOCAL_NAMES = ("localhost",)


def refusal(method: str, headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Why a request is not even looked at; None if it may pass.

    `names` are the names under which the page may be reached, besides `localhost` and addresses. A
    name that is not ours is what DNS rebinding comes with: it turns some other site's script into
    one of this page's own origin. An address cannot be rebound.
    """
    if method != "GET":
        return "this page is only read: GET is all it answers"
    host = _name(f"//{headers.get('Host', '')}")
    if not (host in _LOCAL_NAMES or host in names or _is_address(host)):
        return f"unknown host {host[:100]!r}: admin.names tells under which names the page is known"
    origin = headers.get("Origin")
    if origin is not None and _authority(origin) != headers.get("Host", "").lower():
        return "requests of other sites are refused"
    if headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES and not _is_visit(headers):
        return "requests of other sites are refused"
    return None


def _is_visit(headers: Mapping[str, str]) -> bool:
    """Someone followed a link: what is shown then is shown to them alone."""
    return (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == (
        "navigate",
        "document",
    )


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
