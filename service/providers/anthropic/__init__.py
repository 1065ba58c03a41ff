"""Anthropic Messages."""

from service.providers.anthropic.family import Anthropic

__all__ = ["Anthropic"]
