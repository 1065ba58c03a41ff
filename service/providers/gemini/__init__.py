"""Google AI: Gemini generateContent."""

from service.providers.gemini.family import Gemini

__all__ = ["Gemini"]
