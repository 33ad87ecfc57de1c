"""Chat templates: SGLang's table, matching, and what is derived from Jinja."""

import json
from pathlib import Path

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
from sglc.language.jinja_template import (
    NotDerivableError,
    compile_template,
    derive,
    template_of_folder,
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


CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] "
    "+ '<|im_end|>\\n' }}{% endfor %}"
)
QWEN = (
    "{%- if messages[0]['role'] != 'system' %}{{- '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}"
    "{%- endif %}" + CHATML
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|h|>' + m['role'] + '<|/h|>\\n\\n' "
    "+ m['content'] | trim + '<|eot|>' }}{% endfor %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('order') }}{% endif %}"
    "{{ '[U]' + m['content'] + '[/U]' if m['role'] == 'user' else m['content'] + eos_token }}"
    "{% endfor %}"
)
REWRITES = (
    "{% for m in messages %}{% if m['role'] == 'assistant' and not loop.last %}"
    "{{ '<a>' + m['content'][:1] }}{% else %}{{ '<' + m['role'] + '>' + m['content'] }}{% endif %}"
    "{% endfor %}"
)


def rendering(source: str, messages: list[dict[str, str]]) -> str:
    return compile_template(source, {"eos_token": "</s>"})(messages)


@pytest.mark.parametrize("source", [CHATML, QWEN, LLAMA3, NO_SYSTEM])
def test_derived_templates_reproduce_the_rendering(source: str) -> None:
    render = compile_template(source, {"bos_token": "<s>", "eos_token": "</s>"})
    template = derive("t", render)
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    shown = turns
    if template.default_system_prompt is not None:
        shown = [{"role": "system", "content": template.default_system_prompt}, *turns]
    assert template.get_prompt(shown) == render(turns)
    assert "<s>" not in template.get_prompt(shown)


def test_what_is_derived() -> None:
    qwen = derive("q", compile_template(QWEN, {}))
    assert qwen.default_system_prompt == "Be kind."
    assert qwen.stop_str == ("<|im_end|>",)
    assert qwen.role_prefix_and_suffix["system"] == ("<|im_start|>system\n", "<|im_end|>\n")
    bare = derive("n", compile_template(NO_SYSTEM, {"eos_token": "</s>"}))
    assert "system" not in bare.role_prefix_and_suffix
    assert bare.role_prefix_and_suffix["assistant"] == ("", "</s>")


def test_a_template_that_rewrites_turns_is_not_derivable() -> None:
    with pytest.raises(NotDerivableError):
        derive("r", compile_template(REWRITES, {}))
    with pytest.raises(NotDerivableError):
        derive("b", compile_template("{{ raise_exception('never') }}", {}))


def write(folder: Path, source: str | None, *, as_file: bool = False) -> Path:
    settings: dict[str, object] = {"eos_token": {"content": "</s>"}}
    if as_file and source is not None:
        (folder / "chat_template.jinja").write_text(source)
    elif source is not None:
        settings["chat_template"] = source
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("as_file", [True, False])
def test_template_of_a_folder(tmp_path: Path, as_file: bool) -> None:
    template = template_of_folder(write(tmp_path, NO_SYSTEM, as_file=as_file))
    assert template.role_prefix_and_suffix["user"] == ("[U]", "[/U]")


def test_a_folder_without_template_has_the_default(tmp_path: Path) -> None:
    assert template_of_folder(tmp_path).name == "default"
    assert template_of_folder(write(tmp_path, None)).name == "default"


def test_a_folder_with_a_rewriting_template_warns(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="is not used"):
        assert template_of_folder(write(tmp_path, REWRITES)).name == "default"
    with pytest.warns(UserWarning, match="is not used"):
        assert template_of_folder(write(tmp_path, "{% if %}")).name == "default"


def test_templates_cannot_reach_python(tmp_path: Path) -> None:
    evil = "{{ messages.__class__.__mro__ }}"
    with pytest.warns(UserWarning, match="is not used"):
        template_of_folder(write(tmp_path, evil))
