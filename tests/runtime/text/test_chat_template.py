"""Role prefixes and suffixes from a tokenizer's own template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sglc_runtime.text.chat_template import derive
from sglc_runtime.text.jinja import ChatTemplateError, JinjaTemplate
from tests.runtime.tiny_checkpoints import CHATML

LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}"
    "{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}"
    "{% endif %}{% endfor %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}" + CHATML
)
THINKING = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' and not loop.last %}"
    "{% set content = message['content'].split('</think>')[-1].lstrip('\n') %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GENERATION_PROMPT = CHATML.replace(
    "'<|im_start|>assistant\\n' }}{% endif", "'<|im_start|>assistant\\n<think>\\n' }}{% endif"
)


def folder(path: Path, template: object, **config: object) -> Path:
    settings = {"bos_token": "<s>", "eos_token": "</s>", "chat_template": template} | config
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


def test_chatml(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, CHATML))
    assert not got.renders_whole
    assert dict(got.roles) == {
        role: (f"<|im_start|>{role}\n", "<|im_end|>\n")
        for role in ("system", "user", "assistant", "tool")
    }
    assert got.stop_str == ("<|im_end|>",)
    assert got.default_system_prompt is None


def test_llama3_keeps_the_bos_to_the_tokenizer(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, LLAMA3, bos_token={"content": "<|begin_of_text|>"}))
    assert not got.renders_whole
    assert got.roles["user"] == ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>")
    assert got.roles["system"] == ("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>")
    assert got.stop_str == ("<|eot_id|>",)


def test_llama2_moves_the_system_message_and_renders_whole(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, LLAMA2))
    assert got.renders_whole
    assert "system message" in got.reason
    rendered = JinjaTemplate(tmp_path).render(
        [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
        add_generation_prompt=True,
    )
    assert rendered == "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]"


@pytest.mark.parametrize("space", [True, False])
def test_llama2_without_system_messages(space: bool, tmp_path: Path) -> None:
    """A space before each answer that the prompt leaves to the model cannot be a prefix."""
    template = LLAMA2.replace(
        "{% set system_message = messages[0]['content'] %}",
        "{{ raise_exception('no system messages') }}",
    )
    if not space:
        template = template.replace("{{ ' ' + content", "{{ content")
    got = derive(folder(tmp_path, template))
    assert got.stop_str == ("</s>",)
    assert got.roles["user"] == ("<s>[INST] ", " [/INST]")
    assert got.roles["assistant"] == (" " if space else "", " </s>")
    assert got.renders_whole is space
    assert ("generation prompt" in got.reason) is space


def test_no_system_role(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, NO_SYSTEM, bos_token="<bos>"))
    assert not got.renders_whole
    assert dict(got.roles) == {
        "user": ("<start_of_turn>user\n", "<end_of_turn>\n"),
        "assistant": ("<start_of_turn>model\n", "<end_of_turn>\n"),
        "tool": ("<start_of_turn>tool\n", "<end_of_turn>\n"),
    }


def test_default_system_prompt(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, DEFAULT_SYSTEM))
    assert not got.renders_whole
    assert got.default_system_prompt == "You are a helpful assistant."
    messages = [{"role": "user", "content": "Hi"}]
    whole = JinjaTemplate(tmp_path).render(messages, add_generation_prompt=True)
    assert got.text(messages, add_generation_prompt=True) == whole


def test_templates_that_rewrite_earlier_turns_render_whole(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, THINKING))
    assert got.renders_whole
    assert got.reason == "turn by turn writing differs for earlier answers"
    assert got.roles["assistant"] == ("<|im_start|>assistant\n", "<|im_end|>\n")


def test_generation_prompts_that_differ_from_history_render_whole(tmp_path: Path) -> None:
    got = derive(folder(tmp_path, GENERATION_PROMPT))
    assert got.renders_whole
    assert "generation prompt" in got.reason


def test_where_templates_are_kept(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": CHATML}]
    assert JinjaTemplate(folder(tmp_path, named)).source == CHATML
    (tmp_path / "chat_template.jinja").write_text(LLAMA3)
    assert JinjaTemplate(tmp_path).source == LLAMA3


def test_rendering_equals_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from tests.runtime.tiny_checkpoints import write_tokenizer

    template = (
        "{{ bos_token }}{%- for m in messages %}\n    {% if loop.first %}first{% endif %}\n"
        "{% if m.role == 'system' %}{% continue %}{% endif %}"
        "{% generation %}{{ m | tojson }}{% endgeneration %}\n{% endfor %}"
        "{{ strftime_now('%Y') }}"
    )
    write_tokenizer(tmp_path, "metaspace", chat_template=template)
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "<é> \"q\" 'x'"},
    ]
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert JinjaTemplate(tmp_path).render(messages) == theirs.apply_chat_template(
        messages, tokenize=False
    )


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ChatTemplateError, match="no chat template"):
        derive(tmp_path)
    with pytest.raises(ChatTemplateError, match="broken"):
        derive(folder(tmp_path, "{% if %}"))
    with pytest.raises(ChatTemplateError, match="sorry"):
        derive(folder(tmp_path, "{{ raise_exception('sorry') }}"))
    with pytest.raises(ChatTemplateError, match="refuses"):
        derive(folder(tmp_path, "{{ messages.__class__.__mro__[1].__subclasses__() }}"))
