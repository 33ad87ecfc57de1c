"""Requests to model servers, with the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any


class ServerError(RuntimeError):
    """An HTTP error; `status` is its code."""

    def __init__(self, url: str, status: int, said: str) -> None:
        super().__init__(f"{url}: HTTP {status}: {said}")
        self.status = status


class HttpClient:
    """GET without a body, POST with one. Raises ServerError, and OSError without connection."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        verify: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self.timeout = timeout
        self._context = None
        if verify is not None:
            import ssl

            self._context = ssl.create_default_context(cafile=verify)

    def open(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The reply as a file; close it."""
        request = urllib.request.Request(self.base_url + path)
        if self.api_key is not None:
            request.add_header("Authorization", f"Bearer {self.api_key}")
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        try:
            return urllib.request.urlopen(
                request, data=data, timeout=self.timeout, context=self._context
            )
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")
            raise ServerError(self.base_url + path, error.code, said) from None

    def request(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The reply's JSON."""
        with self.open(path, body) as reply:
            return json.load(reply)

    def events(self, path: str, body: dict[str, Any]) -> Iterator[Any]:
        """The JSON of server-sent events, up to `[DONE]`."""
        with self.open(path, body) as lines:
            for raw in lines:
                line = raw.decode().strip()
                if not line.startswith("data:"):
                    continue
                data = line.removeprefix("data:").strip()
                if data == "[DONE]":
                    return
                yield json.loads(data)
