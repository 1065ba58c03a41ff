"""The second engine: providers through the litellm library, which is imported on first use."""

from service.providers.litellm.engine import LiteLLMProvider

__all__ = ["LiteLLMProvider"]
