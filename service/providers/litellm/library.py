"""The one door to the litellm library: imports it late, in a thread, and quietens it.

Importing costs seconds and 190 MB. Without the variable below it fetches its price map from the
network, and by default it reports, retries and prints.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import warnings
from typing import Any

# Read by the library while it is imported.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    # 0: it fetches no image that a caller names. That is the provider's to do, or nobody's.
    "MAX_IMAGE_URL_DOWNLOAD_SIZE_MB": "0",
}
NO_KEY = "no-key"
"""Given to the library where we have no key, lest it take one from its environment. Never sent."""
_lock = threading.Lock()
_loaded: list[Any] = []


async def library() -> Any:
    """The module. Only the first call takes time, and none of it on the event loop."""
    return _loaded[0] if _loaded else await asyncio.to_thread(_load)


def _load() -> Any:
    with _lock:
        if not _loaded:
            os.environ.update(ENVIRONMENT)
            _name_temporary_directory()
            with warnings.catch_warnings():
                # The library's own deprecations are not this service's to mend.
                warnings.simplefilter("ignore")
                import litellm  # noqa: PLC0415 - late on purpose
            quieten(litellm)
            _confine()
            _loaded.append(litellm)
        return _loaded[0]


def _name_temporary_directory() -> None:
    """The library asks for its name while it is imported, which fails where nothing is writable."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = "/tmp"  # noqa: S108 - only a name: nothing can be written there


def quieten(litellm: Any) -> None:
    """No callbacks, no retries, no telemetry, no words on the console."""
    # Some of its models are built with the first calls, and the log is one JSON object a line.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic\._internal\.")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.num_retries = 0
    litellm.drop_params = False
    litellm.modify_params = False
    # Else counting tokens fetches vocabularies.
    litellm.disable_hf_tokenizer_download = True
    litellm.callbacks = []
    litellm.success_callback = []
    litellm.failure_callback = []


def _confine() -> None:
    """Every asynchronous client that the library makes, OpenAI's included, gets our transport."""
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    from service.providers.litellm.witness import WitnessTransport  # noqa: PLC0415

    def create_async_transport(*_: Any, **__: Any) -> WitnessTransport:
        return WitnessTransport()

    handler: Any = AsyncHTTPHandler
    if not hasattr(handler, "create_async_transport"):
        raise ImportError("this release of litellm makes its HTTP clients in another way")
    handler.create_async_transport = staticmethod(create_async_transport)
    handler._create_async_transport = handler.create_async_transport  # noqa: SLF001
