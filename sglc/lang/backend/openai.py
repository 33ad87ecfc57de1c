"""SGLang's module of this name."""

from sglc.backends.openai import OpenAI

__all__ = ["OpenAI"]
