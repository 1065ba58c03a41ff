"""Loads litellm, once and late, and sets it so that it only translates.

It is the one place that touches the library's globals. The library retries, logs, caches, phones
home and fetches price tables and images by default: all of that is ours or nobody's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
from typing import Any

# Read by the library while it is imported.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOG": "CRITICAL",
    # 0 refuses to fetch an image that a caller names: that is for the provider to do.
    "MAX_IMAGE_URL_DOWNLOAD_SIZE_MB": "0",
    "DISABLE_AIOHTTP_TRUST_ENV": "True",
}
_SETTINGS: dict[str, Any] = {
    "telemetry": False,
    "suppress_debug_info": True,
    "turn_off_message_logging": True,
    "set_verbose": False,
    "num_retries": 0,
    "drop_params": False,
    "modify_params": False,
    "callbacks": [],
    "success_callback": [],
    "failure_callback": [],
    "cache": None,
    "disable_hf_tokenizer_download": True,
    "disable_end_user_cost_tracking": True,
}
_lock = threading.Lock()
_loaded: Any = None


async def library() -> Any:
    """The module `litellm`. The first call imports it in a thread: 3 to 6 s of CPU."""
    if _loaded is None:
        return await asyncio.to_thread(_load)
    hush()
    return _loaded


def hush() -> None:
    """Ignores the warnings about pydantic that the library's own code causes at run time.

    Under `-W error` they would be raised inside of a call. Said again with each call: whoever
    resets the filters (a test runner does) would otherwise bring them back.
    """
    warnings.filterwarnings("ignore", module=r"litellm\.")
    warnings.filterwarnings(
        "ignore", r"Items? .* on TypedDict class", UserWarning, r"pydantic\._internal"
    )


def _load() -> Any:
    global _loaded  # noqa: PLW0603 - a module that is imported once is a global
    with _lock:
        if _loaded is not None:
            return _loaded
        os.environ.update(_ENVIRONMENT)
        hush()
        import litellm  # noqa: PLC0415 - the point of this module

        for name, value in _SETTINGS.items():
            setattr(litellm, name, value)
        # httpx logs every request at INFO: ours are logged once, at the edge.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        _install()
        _loaded = litellm
    return _loaded


def _install() -> None:
    """Builds the library's HTTP clients on our transport.

    All of its asynchronous clients, those of the OpenAI SDK included, get their transport from
    this one factory; the parameters that it has for the purpose (`client`, `shared_session`)
    reach some of its providers and not others.
    """
    import httpx  # noqa: PLC0415 - comes with litellm
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    from service.providers.litellm.transport import WatchedTransport  # noqa: PLC0415

    create = AsyncHTTPHandler.create_async_transport

    def create_watched(*args: Any, **kwargs: Any) -> WatchedTransport:
        return WatchedTransport(create(*args, **kwargs) or httpx.AsyncHTTPTransport())

    AsyncHTTPHandler.create_async_transport = staticmethod(create_watched)
