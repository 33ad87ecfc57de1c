"""SGLang's module of this name."""

from sglc.backends.runtime_endpoint import RuntimeEndpoint
from sglc.runtime import Runtime

__all__ = ["Runtime", "RuntimeEndpoint"]
