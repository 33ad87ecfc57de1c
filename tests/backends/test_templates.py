"""Templates of checkpoint folders, as programs get them."""

import json
from pathlib import Path

import pytest

from sglc.backends.templates import template_of_folder
from sglc_runtime.models.load import EMBEDDED

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] "
    "+ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CUTS = CHATML.replace("m['content']", "(m['content'] if loop.last else m['content'][:40])")


def write(folder: Path, source: str | None) -> Path:
    settings: dict[str, object] = {"eos_token": "</s>"}
    if source is not None:
        settings["chat_template"] = source
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_fixed_text_around_messages(tmp_path: Path) -> None:
    template = template_of_folder(write(tmp_path, CHATML))
    assert template.role_prefix_and_suffix["user"] == ("<|im_start|>user\n", "<|im_end|>\n")
    assert template.stop_str == ("<|im_end|>",)
    assert template.default_system_prompt is None


def test_without_a_template(tmp_path: Path) -> None:
    assert template_of_folder(write(tmp_path, None)).name == "default"
    assert template_of_folder(tmp_path / "nothing").name == "default"


def test_a_template_that_repeats_messages_is_not_used(tmp_path: Path) -> None:
    source = "{% for m in messages %}{{ m['content'] + m['content'] }}{% endfor %}"
    with pytest.warns(UserWarning, match="is not used"):
        assert template_of_folder(write(tmp_path, source)).name == "default"


def test_a_broken_template_is_not_used(tmp_path: Path) -> None:
    assert template_of_folder(write(tmp_path, "{% if %}")).name == "default"


@pytest.mark.skipif(not EMBEDDED.is_dir(), reason="the embedded checkpoint is not built yet")
def test_the_embedded_models_template() -> None:
    template = template_of_folder(EMBEDDED)
    assert template.role_prefix_and_suffix["assistant"] == (
        "<|im_start|>assistant\n",
        "<|im_end|>\n",
    )
