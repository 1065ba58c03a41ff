"""How the providers behind litellm differ, as data.

Its input is OpenAI's format for all of them, with extensions for some. What a model cannot do the
library itself is asked (`get_supported_openai_params`): these dialects lack little of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, Dialect
from service.providers.openai.dialect import ReasoningBack


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a prefix of litellm's model names. `dialect` writes the messages.

    `own_words` says that the library passes messages through: refusals and provider parts stay as
    they are. `thinking_blocks` carry signed reasoning both ways, `thought_signatures` sign texts
    and calls, `cache_control` marks cached prompts, `audio` can be heard.
    """

    dialect: Dialect
    own_words: bool = False
    thinking_blocks: bool = False
    thought_signatures: bool = False
    cache_control: bool = False
    audio: bool = True


_ANY = replace(COMPATIBLE, reasoning_back=ReasoningBack.WITH_TOOL_CALLS, fixed_temperature=())
_SIGNED = replace(_ANY, reasoning_back=ReasoningBack.NEVER)
_KNOWN = {
    "openai": Behind(OPENAI, own_words=True),
    "deepseek": Behind(DEEPSEEK),
    "anthropic": Behind(
        replace(_SIGNED, name="anthropic"), thinking_blocks=True, cache_control=True, audio=False
    ),
    "gemini": Behind(replace(_SIGNED, name="gemini"), thought_signatures=True),
}


def behind(prefix: str) -> Behind:
    """What stands behind `prefix`; an unknown one is taken for a compatible server."""
    return _KNOWN.get(prefix) or Behind(replace(_ANY, name=prefix))
