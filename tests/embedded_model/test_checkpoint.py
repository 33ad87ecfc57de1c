"""The shipped folder is an ordinary Hugging Face checkpoint."""

import json

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from sglc_runtime import embedded


def test_size() -> None:
    assert sum(file.stat().st_size for file in embedded.path().iterdir()) <= 10_000_000


def test_loads_offline_and_answers_through_generate() -> None:
    tokenizer = AutoTokenizer.from_pretrained(embedded.path())
    model = AutoModelForCausalLM.from_pretrained(embedded.path(), dtype="float32").eval()
    turns = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    inputs = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**inputs, max_new_tokens=32)[0, inputs["input_ids"].shape[1] :]
    assert tokenizer.decode(out) == "The capital of France is Paris.<|im_end|>"


def test_context_and_ends() -> None:
    config = json.loads((embedded.path() / "config.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(embedded.path())
    ends = GenerationConfig.from_pretrained(embedded.path()).eos_token_id
    assert config["max_position_embeddings"] >= 2048
    assert tokenizer.convert_ids_to_tokens(ends) == ["<|endoftext|>", "<|im_end|>"]
    assert tokenizer.bos_token is None
    assert len(tokenizer) == config["vocab_size"]


@pytest.mark.parametrize("text", ["12 * 7", " naïve 漢字 🙂\n\t\x00", "<|im_start|>user\nhi"])
def test_tokenizer_round_trip(text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(embedded.path())
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_are_single_tokens_and_no_bos() -> None:
    tokenizer = AutoTokenizer.from_pretrained(embedded.path())
    assert tokenizer.tokenize("345") == ["3", "4", "5"]
    assert len(tokenizer("345")["input_ids"]) == 3
