"""Properties of text runs: round trips, BOS and dummy spaces, stable prefixes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.text.tokenizer import Tokenizer, TokenizerError
from tests.runtime.tiny_checkpoints import TokenizerKind, write_tokenizer

KINDS: list[TokenizerKind] = ["bytes", "metaspace"]
WORDS = [
    "Paris",
    " the",
    " capital",
    "\n",
    "\n\n",
    "  ",
    "'",
    "ll",
    "7",
    "89",
    ".",
    "<|im_",
    "start|>",
]
# Not U+2581: spaces are spelled with it in a metaspace vocabulary, so that it cannot come back.
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"), max_size=30)
TEXT = st.one_of(PLAIN, st.lists(st.one_of(st.sampled_from(WORDS), PLAIN), max_size=8).map("".join))


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    folder = tmp_path_factory.mktemp(request.param)
    write_tokenizer(folder, request.param)
    return Tokenizer(folder)


def without_specials(text: str) -> str:
    for special in (
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|pad|>",
        "<s>",
        "</s>",
        "<unk>",
    ):
        text = text.replace(special, "")
    return text


@settings(max_examples=300, deadline=None)
@given(text=TEXT, first=st.booleans())
def test_decoding_a_run_gives_its_text(tokenizer: Tokenizer, text: str, first: bool) -> None:
    text = without_specials(text)
    ids = tokenizer.encode_run(text, first)
    assert tokenizer.decode(ids, first=first) == text


@settings(max_examples=150, deadline=None)
@given(runs=st.lists(TEXT, min_size=1, max_size=5))
def test_decoding_a_path_gives_its_text(tokenizer: Tokenizer, runs: list[str]) -> None:
    runs = [without_specials(run) for run in runs]
    ids = [t for n, run in enumerate(runs) for t in tokenizer.encode_run(run, n == 0)]
    if len(runs[0]) or len(runs) == 1:
        assert tokenizer.decode(ids, first=True) == "".join(runs)
    data = b"".join(map(tokenizer.token_bytes, ids[len(tokenizer.bos_ids) :]))
    assert data.decode().removeprefix(" ").endswith("".join(runs)[1:])


@settings(max_examples=300, deadline=None)
@given(text=TEXT, more=TEXT, first=st.booleans())
def test_no_continuation_changes_the_stable_prefix(
    tokenizer: Tokenizer, text: str, more: str, first: bool
) -> None:
    count = tokenizer.stable_prefix_length(text, first)
    ids = tokenizer.encode_run(text, first)
    assert 0 <= count <= len(ids)
    assert tokenizer.encode_run(text + more, first)[:count] == ids[:count]


def test_stable_prefix_of_ordinary_text_is_most_of_it(tokenizer: Tokenizer) -> None:
    text = "The capital of France is Paris. " * 8
    ids = tokenizer.encode_run(text, True)
    assert tokenizer.stable_prefix_length(text) > len(ids) * 0.8
    chat = "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>"
    assert tokenizer.stable_prefix_length(chat) == len(tokenizer.encode_run(chat, True))
    assert tokenizer.stable_prefix_length("Paris") == 0
    assert tokenizer.stable_prefix_length("") == 0
    # A special token may begin inside: nothing from "<|im" on is certain.
    cut = "It is <|im"
    assert tokenizer.stable_prefix_length(cut) < len(tokenizer.encode_run(cut, True))


@pytest.mark.parametrize("kind", KINDS)
def test_first_run_equals_transformers(kind: TokenizerKind, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    write_tokenizer(tmp_path, kind)
    ours, theirs = Tokenizer(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    for text in (
        "",
        "Hello world",
        "  two",
        "<|im_start|>user\n日本 😀<|im_end|>\n",
        "a<|im_end|> b",
    ):
        assert ours.encode_run(text, True) == theirs(text)["input_ids"], text
        ids = ours.encode_run(text, True)
        if kind == "bytes":
            assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)


def test_bos_and_dummy_space_only_in_the_first_run(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, "metaspace")
    tokenizer = Tokenizer(tmp_path)
    bos = tokenizer.backend.token_to_id("<s>")
    first, later = tokenizer.encode_run("the fox", True), tokenizer.encode_run("the fox", False)
    assert first[0] == bos
    assert bos not in later
    assert b"".join(map(tokenizer.token_bytes, first[1:])) == b" the fox"
    assert b"".join(map(tokenizer.token_bytes, later)) == b"the fox"
    assert tokenizer.encode_run("<s> the", True).count(bos) == 1
    assert tokenizer.bos_ids == (bos,)


@pytest.mark.parametrize("wanted", [True, False])
def test_add_bos_token_overrides_the_post_processor(wanted: bool, tmp_path: Path) -> None:
    write_tokenizer(tmp_path, "metaspace", add_bos_token=wanted)
    assert (Tokenizer(tmp_path).bos_ids != ()) is wanted
    folder = tmp_path / "bytes"
    write_tokenizer(folder, "bytes", bos_token="<|endoftext|>", add_bos_token=wanted)
    assert Tokenizer(folder).bos_ids == ((0,) if wanted else ())


def test_specials_are_parsed_and_left_out_of_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_run("<|im_start|>user\nHi<|im_end|>", False)
    start, end = (tokenizer.special_id(t) for t in ("<|im_start|>", "<|im_end|>"))
    assert ids[0] == start
    assert ids[-1] == end
    assert start is not None
    assert tokenizer.token_bytes(start) == b"<|im_start|>"
    assert "im_end" not in tokenizer.decode(ids)
    assert "<|im_end|>" in tokenizer.decode(ids, skip_special=False)
    assert tokenizer.special_id("user") is None


def test_bytes_of_all_ids_cover_all_bytes(tokenizer: Tokenizer) -> None:
    single = {tokenizer.token_bytes(i) for i in range(tokenizer.max_id + 1)}
    assert {bytes([b]) for b in range(128)} <= single
    assert tokenizer.token_bytes(tokenizer.max_id + 5) == b""
    assert tokenizer.vocab_size == tokenizer.max_id + 1


def test_eos_ids_come_from_all_settings(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, "bytes")
    assert Tokenizer(tmp_path).eos_ids == (0,)
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 5}))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 5]}))
    assert Tokenizer(tmp_path).eos_ids == (0, 2, 5)


def test_bad_folders_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"no tokenizer\.json.*save_pretrained"):
        Tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError, match="broken"):
        Tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("not json")
    with pytest.raises(TokenizerError, match="cannot read"):
        Tokenizer(tmp_path)
    write_tokenizer(tmp_path, "bytes")
    layout = json.loads((tmp_path / "tokenizer.json").read_text())
    layout["decoder"] = {
        "type": "CTC",
        "pad_token": "p",
        "word_delimiter_token": "|",
        "cleanup": True,
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(layout))
    with pytest.raises(TokenizerError, match="CTC"):
        Tokenizer(tmp_path)


def test_lone_surrogates_are_an_error_of_the_text(tokenizer: Tokenizer) -> None:
    with pytest.raises(TokenizerError, match="cannot be encoded"):
        tokenizer.encode_run("a\ud800b", True)


def test_text_package_never_imports_torch() -> None:
    code = (
        "import sys\n"
        "import sglc_runtime.text.chat_template, sglc_runtime.text.detokenize\n"
        "import sglc_runtime.text.stops, sglc_runtime.text.tokenizer\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "runtime"})
