"""Helpers that SGLang's examples and benchmarks import from `sglang.utils`."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sglc.language.media import encode_image_base64, encode_video_base64

__all__ = [
    "download_and_cache_file",
    "dump_state_text",
    "encode_image_base64",
    "encode_video_base64",
    "http_request",
    "read_jsonl",
]


def read_jsonl(filename: str) -> Iterator[Any]:
    """The objects of a JSON-lines file; lines that begin with `#` are skipped."""
    with open(filename, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                yield json.loads(line)


def dump_state_text(filename: str, states: Sequence[Any], mode: str = "w") -> None:
    """Write the text of states (or strings) to a file, each under a numbered line."""
    rule = "=" * 40
    with open(filename, mode, encoding="utf-8") as file:
        for number, state in enumerate(states):
            text = state if isinstance(state, str) else state.text()
            file.write(f"{rule} {number} {rule}\n{text}\n{rule * 2}\n\n")


def download_and_cache_file(url: str, filename: str | None = None) -> str:
    """Path of the file behind `url`, downloaded unless it is there already."""
    path = Path(filename or os.path.join(tempfile.gettempdir(), url.rsplit("/", 1)[-1]))
    if not path.is_file():
        partial = path.with_name(path.name + ".part")
        urllib.request.urlretrieve(url, partial)
        partial.replace(path)
    return str(path)


class HttpResponse:
    """What `http_request` returns: `status_code`, `text` and `json()`."""

    def __init__(self, status_code: int, text: str) -> None:
        self.status_code = status_code
        self.text = text

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def http_request(url: str, json: Any = None, api_key: str | None = None) -> HttpResponse:
    """GET, or POST with a JSON body; HTTP errors are returned, not raised."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if api_key is not None:
        request.add_header("Authorization", f"Bearer {api_key}")
    body = None if json is None else _encode(json)
    try:
        with urllib.request.urlopen(request, data=body) as reply:
            return HttpResponse(reply.status, reply.read().decode())
    except urllib.error.HTTPError as error:
        return HttpResponse(error.code, error.read().decode())


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()
