"""The HTTP backend against a server on a local port that answers as SGLang's documentation says."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.runtime_endpoint import RuntimeEndpoint, own_tokens


class Server(ThreadingHTTPServer):
    """Says how many words the prompt has; a word is a token, `good` words are likely."""

    daemon_threads = True
    bodies: list[dict[str, Any]]
    headers: list[str | None]
    flushed = 0


def words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def scored(text: str, start: int) -> list[list[Any]]:
    found = []
    for i, word in enumerate(words(text)):
        logprob = None if i == 0 else -0.1 * len(word.strip()) - (0 if "good" in word else 2)
        found.append([logprob, len(word), word])
    return found[start:]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, value: Any, code: int = 200) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.server.headers.append(self.headers["Authorization"])
        if self.path == "/get_model_info":
            self.answer({"model_path": "Qwen/Qwen2.5-7B-Instruct"})
        else:
            self.answer({"version": "test"} if self.path == "/server_info" else {}, 200)

    def do_POST(self) -> None:
        if self.path == "/flush_cache":
            self.server.flushed += 1
            self.answer({})
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        if "fail" in str(body.get("text")):
            self.answer({"error": {"message": "no such thing"}}, 400)
            return
        if "input_ids" in body:
            self.answer(
                [self.reply("", [[-1.0, i, None] for i in ids]) for ids in body["input_ids"]]
            )
            return
        texts = body["text"] if isinstance(body["text"], list) else [body["text"]]
        count = body["sampling_params"].get("n", 1)
        start = body.get("logprob_start_len", 0)
        replies = [
            self.reply(t, scored(t, start) if body.get("return_logprob") else None) for t in texts
        ]
        if body.get("stream"):
            text = replies[0]["text"]
            events = [
                b"data: " + json.dumps({**replies[0], "text": text[:i]}).encode() + b"\n\n"
                for i in range(1, len(text) + 1)
            ]
            self.answer(b"".join(events) + b"data: [DONE]\n\n")
        elif isinstance(body["text"], list) or count > 1:
            self.answer(replies * count)
        else:
            self.answer(replies[0])

    def reply(self, text: str, logprobs: Any) -> dict[str, Any]:
        meta = {"prompt_tokens": len(words(text)), "finish_reason": {"type": "stop"}}
        if logprobs is not None:
            meta["input_token_logprobs"] = logprobs
        return {"text": f"[{len(words(text))}]", "meta_info": meta}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.bodies, made.headers = [], []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def backend(server: Server) -> RuntimeEndpoint:
    return RuntimeEndpoint(f"http://127.0.0.1:{server.server_address[1]}/", api_key="key")


def test_template_and_server_calls(server: Server, backend: RuntimeEndpoint) -> None:
    assert backend.get_chat_template().name == "qwen"
    assert server.headers == ["Bearer key"]
    assert backend.get_model_name() == "Qwen/Qwen2.5-7B-Instruct"
    assert sgl.get_server_info(backend) == {"version": "test"}
    sgl.flush_cache(backend)
    assert server.flushed == 1


@pytest.mark.parametrize("compiled", [True, False])
def test_program(server: Server, backend: RuntimeEndpoint, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "one two" + sgl.gen("a", max_tokens=3, stop=["x"], dtype=int)
        s += sgl.gen("b", n=2, temperature=0.5)

    state = program.run(backend=backend, compiled=compiled)
    assert state.text() == "one two[2][2]"
    assert state["b"] == ["[2]", "[2]"]
    assert len(state.get_meta_info("b")) == 2
    first = server.bodies[0]
    assert first["text"] == "one two"
    assert first["sampling_params"]["max_new_tokens"] == 3
    assert first["sampling_params"]["stop"] == ["x", "<|im_end|>", " ", "\n"]
    assert first["sampling_params"]["regex"]
    assert "return_logprob" not in first
    assert server.bodies[1]["sampling_params"]["temperature"] == 0.5


def test_streaming(backend: RuntimeEndpoint) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "one two three" + sgl.gen("a")

    state = program.run(backend=backend, stream=True)
    assert "".join(state.text_iter("a")) == "[3]"


def test_errors(backend: RuntimeEndpoint) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "fail" + sgl.gen("a")

    with pytest.raises(RuntimeError, match=r"HTTP 400.*no such thing"):
        program.run(backend=backend)["a"]
    with pytest.raises(OSError, match="refused"):
        RuntimeEndpoint("http://127.0.0.1:9")


@pytest.mark.parametrize("prompt", ["this is ", "a", "", "x y z w"])
@pytest.mark.parametrize(
    "method", [sgl.token_length_normalized, sgl.unconditional_likelihood_normalized]
)
def test_select(backend: RuntimeEndpoint, prompt: str, method: Any) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += (
            prompt + " :" + sgl.select("a", [" bad", " good good", " worse"], choices_method=method)
        )

    state = program.run(backend=backend)
    assert state["a"] == " good good"
    meta = state.get_meta_info("a")
    assert [len(tokens) for tokens in meta["input_token_logprobs"]] == [1, 2, 1]
    assert meta["normalized_prompt_logprobs"] == pytest.approx([-2.3, -0.4, -2.5])


def test_select_at_a_temperature(backend: RuntimeEndpoint) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += sgl.select("a", ["x"], temperature=1.0)

    with pytest.raises(ValueError, match="temperature 0"):
        program.run(backend=backend)["a"]


def test_own_tokens() -> None:
    tokens = [[None, 1, "ab"], [-1.0, 2, "c"], [0.0, 3, "de"]]
    assert own_tokens(tokens, "de") == tokens[2:]
    assert own_tokens(tokens, "cde") == tokens[1:]
    assert own_tokens(tokens, "bcde") == tokens[1:]
    assert own_tokens(tokens, "e") == tokens[2:]
    with pytest.raises(RuntimeError, match="no log probabilities"):
        own_tokens([[None, 1, "ab"]], "ab")
