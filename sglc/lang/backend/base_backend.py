"""SGLang's module of this name."""

from sglc.backends.base import BaseBackend

__all__ = ["BaseBackend"]
