"""OpenAI chat completions: the wire family of OpenAI, DeepSeek and every compatible server."""

from service.providers.openai.dialect import COMPATIBLE, DEEPSEEK, OPENAI, Dialect
from service.providers.openai.family import OpenAI

__all__ = ["COMPATIBLE", "DEEPSEEK", "OPENAI", "Dialect", "OpenAI"]
