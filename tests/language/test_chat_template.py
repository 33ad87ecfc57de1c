"""Chat templates: SGLang's table, matching, registering."""

import pytest

from sglc.language import chat_template as module
from sglc.language.chat_template import (
    ChatTemplate,
    get_chat_template,
    get_chat_template_by_model_path,
    match_chat_template,
    register_chat_template,
    register_chat_template_matching_function,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"),
        ("deepseek-ai/DeepSeek-V3-Base", "default"),
        ("deepseek-ai/Janus-Pro-7B", "janus-pro"),
        ("lmsys/vicuna-7b-v1.5", "vicuna_v1.1"),
        ("liuhaotian/llava-v1.5-7b", "vicuna_v1.1"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-chat"),
        ("codellama/CodeLlama-7b-Instruct-hf", "llama-2-chat"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3-instruct"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "chatml"),
        ("Qwen/Qwen2-VL-7B-Instruct", "qwen2-vl"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("google/gemma-2-2b-it", "gemma-it"),
        ("google/gemma-3-4b-pt", "default"),
        ("CohereForAI/c4ai-command-r-v01", "c4ai-command-r"),
        ("ibm-granite/granite-3.0-8b-instruct", "granite-3-instruct"),
        ("gpt2", "default"),
    ],
)
def test_matching(path: str, name: str) -> None:
    assert get_chat_template_by_model_path(path).name == name


def test_unknown_template() -> None:
    with pytest.raises(KeyError):
        get_chat_template("nope")
    assert match_chat_template("Qwen/Qwen3-8B") is None


def test_registering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_templates", dict(module._templates))
    monkeypatch.setattr(module, "_matchers", list(module._matchers))
    mine = ChatTemplate("mine", None, {"user": ("<u>", "</u>")})
    register_chat_template(mine)

    @register_chat_template_matching_function
    def match(path: str) -> str | None:
        return "mine" if "my-model" in path else None

    assert get_chat_template_by_model_path("org/my-model") is mine
    assert mine.get_prefix_and_suffix("tool", []) == ("", "")


def test_get_prompt_of_messages() -> None:
    messages = [
        {"role": "system", "content": None},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
    ]
    assert get_chat_template("qwen").get_prompt(messages) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>\n"
    )
    assert get_chat_template("default").get_prompt(messages) == "USER:hi\nASSISTANT:hello\n"
    llama2 = [{"role": "system", "content": "s"}, *messages[1:]]
    assert get_chat_template("llama-2-chat").get_prompt(llama2) == (
        "[INST] <<SYS>>\ns\n<</SYS>>\n\nhi [/INST]hello </s><s>"
    )
