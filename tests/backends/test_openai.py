"""The OpenAI backend against a server on a local port."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import sglc as sgl
from sglc.backends import openai
from sglc.backends.openai import OpenAI


class Server(ThreadingHTTPServer):
    """Repeats the last message in upper case, or the prompt's last word."""

    daemon_threads = True
    calls: list[tuple[str, dict[str, Any]]]
    failures = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.path, body))
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
            return
        if body["model"] == "none":
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"no such model")
            return
        chat = self.path == "/v1/chat/completions"
        said = body["messages"][-1]["content"].upper() if chat else body["prompt"].split()[-1]
        self.send_response(200)
        self.end_headers()
        usage = {"prompt_tokens": 5, "completion_tokens": 2}
        if body.get("stream"):
            for i, character in enumerate(said):
                last = "stop" if i == len(said) - 1 else None
                part = {"delta": {"content": character}} if chat else {"text": character}
                self.event({"choices": [{**part, "finish_reason": last}]})
            self.event({"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
            return
        one = {"message": {"content": said}} if chat else {"text": said}
        choices = [{**one, "finish_reason": "stop"}] * body["n"]
        self.wfile.write(json.dumps({"choices": choices, "usage": usage}).encode())

    def event(self, value: Any) -> None:
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.calls = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{made.server_address[1]}/v1")
    monkeypatch.setattr(openai, "RETRY_SECONDS", 0.0)
    yield made
    made.shutdown()
    made.server_close()


@sgl.function
def chat(s, **params):  # type: ignore[no-untyped-def]
    s += sgl.system("be brief")
    s += sgl.user("hello")
    s += sgl.assistant(sgl.gen("a", **params))
    s += sgl.user("again")
    s += sgl.assistant(sgl.gen("b"))


def test_chat(server: Server) -> None:
    backend = OpenAI("some-model")
    schema = '{"type": "object"}'
    state = chat.run(backend=backend, json_schema=schema, max_new_tokens=7)
    assert (state["a"], state["b"]) == ("HELLO", "AGAIN")
    assert state.get_meta_info("a")["finish_reason"] == {"type": "stop"}
    path, first = server.calls[0]
    assert path == "/v1/chat/completions"
    assert first["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
    ]
    assert first["max_tokens"] == 7
    assert first["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert [m["role"] for m in server.calls[1][1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert backend.token_usage.prompt_tokens == 10
    backend.token_usage.reset()
    assert backend.token_usage.completion_tokens == 0


def test_several_samples_and_streams(server: Server) -> None:
    assert chat.run(backend=OpenAI("m"), n=2)["a"] == ["HELLO", "HELLO"]
    state = chat.run(backend=OpenAI("m"), stream=True)
    assert "".join(state.text_iter("a")) == "HELLO"
    assert state.get_meta_info("a")["completion_tokens"] == 2


def test_completion_models(server: Server) -> None:
    @sgl.function
    def complete(s):  # type: ignore[no-untyped-def]
        s += "one two " + sgl.gen("a", stop=".") + " " + sgl.gen("b", dtype=str)

    state = complete.run(backend=OpenAI("gpt-3.5-turbo-instruct"))
    assert state["a"] == "two"
    assert state["b"] == '"""'
    assert [path for path, _ in server.calls] == ["/v1/completions"] * 2
    assert server.calls[0][1]["stop"] == ["."]
    assert server.calls[1][1]["prompt"].endswith(' "')


def test_text_before_a_gen_of_a_chat_model(server: Server) -> None:
    @sgl.function
    def prefixed(s):  # type: ignore[no-untyped-def]
        s += sgl.user("hi") + sgl.assistant("Well: " + sgl.gen("a"))

    with pytest.raises(RuntimeError, match=r"right after sgl\.assistant"):
        prefixed.run(backend=OpenAI("m"))["a"]
    assert server.calls == []


def test_what_it_cannot_do(server: Server) -> None:
    with pytest.raises(ValueError, match="dtype=int"):
        chat.run(backend=OpenAI("m"), dtype=int)["a"]

    @sgl.function
    def choosing(s):  # type: ignore[no-untyped-def]
        s += sgl.select("a", ["x"])

    with pytest.raises(NotImplementedError, match="OpenAI cannot score"):
        choosing.run(backend=OpenAI("m"))["a"]


def test_temporary_failures_are_tried_again(server: Server) -> None:
    server.failures = 2
    state = chat.run(backend=OpenAI("m"))
    assert (state["a"], state["b"]) == ("HELLO", "AGAIN")
    server.failures = 3
    with pytest.raises(RuntimeError, match="HTTP 503"):
        chat.run(backend=OpenAI("m"))["a"]
    server.failures = 0
    server.calls.clear()
    with pytest.raises(RuntimeError, match="no such model"):
        chat.run(backend=OpenAI("none"))["a"]
    assert len(server.calls) == 1
