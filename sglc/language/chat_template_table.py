"""Chat formats of known models, and which model paths use them: SGLang's table, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Around = tuple[str, str]
"""Text before and after a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One chat format."""

    name: str
    system: Around
    user: Around
    assistant: Around
    default_system: str | None = None
    stop: Sequence[str] = ()
    image: str = "<image>"
    audio: str = "<audio>"
    llama2: bool = False


def _chatml(role: str) -> Around:
    return f"<|im_start|>{role}\n", "<|im_end|>\n"


def _chatml_row(
    name: str,
    default_system: str | None = "You are a helpful assistant.",
    image: str = "<image>",
    stop: Sequence[str] = ("<|im_end|>",),
) -> Row:
    return Row(
        name=name,
        system=_chatml("system"),
        user=_chatml("user"),
        assistant=_chatml("assistant"),
        default_system=default_system,
        stop=stop,
        image=image,
    )


def _headers_row(name: str, left: str, right: str, end: str, gap: str, image: str) -> Row:
    def around(role: str) -> Around:
        return f"{left}{role}{right}{gap}", end

    return Row(
        name=name,
        system=around("system"),
        user=around("user"),
        assistant=around("assistant"),
        stop=(end,),
        image=image,
    )


_INST = ("[INST] ", " [/INST]")
_INST_END = ("", " </s><s>")
_MINICPM: dict[str, Around] = {
    "system": ("", " "),
    "user": ("user:", " "),
    "assistant": ("assistant:", "</s>"),
}
_DEEPSEEK_END = "<｜end▁of▁sentence｜>"
_DEEPSEEK: dict[str, Around] = {
    "system": ("", ""),
    "user": ("<｜User｜>", ""),
    "assistant": ("<｜Assistant｜>", _DEEPSEEK_END),
}

TABLE: tuple[Row, ...] = (
    Row(
        name="default",
        system=("SYSTEM:", "\n"),
        user=("USER:", "\n"),
        assistant=("ASSISTANT:", "\n"),
    ),
    Row(
        name="claude",
        system=("", ""),
        user=("\n\nHuman: ", ""),
        assistant=("\n\nAssistant:", ""),
    ),
    _chatml_row("chatml", default_system=None),
    _chatml_row("chatml-llava", image="<image>\n"),
    _chatml_row("qwen"),
    _chatml_row("qwen2-vl", image="<|vision_start|><|image_pad|><|vision_end|>"),
    _chatml_row(
        "internvl-2-5",
        default_system=(
            "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、"
            "清华大学及多家合作单位联合开发的多模态大语言模型。"
        ),
        stop=("<|im_end|>", "<|action_end|>"),
    ),
    Row(
        name="vicuna_v1.1",
        default_system=(
            "A chat between a curious user and an artificial intelligence assistant. "
            "The assistant gives helpful, detailed, and polite answers to the user's questions."
        ),
        system=("", " "),
        user=("USER:", " "),
        assistant=("ASSISTANT:", "</s>"),
        image=" <image>\n",
    ),
    Row(
        name="llama-2-chat",
        system=("<<SYS>>\n", "\n<</SYS>>\n\n"),
        user=_INST,
        assistant=_INST_END,
        llama2=True,
    ),
    Row(
        name="mistral",
        system=("[SYSTEM_PROMPT] ", " [/SYSTEM_PROMPT]"),
        user=_INST,
        assistant=_INST_END,
        stop=("</s>",),
        image="[IMG]",
    ),
    *(
        _headers_row(name, "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "\n\n", image)
        for name, image in (
            ("llama-3-instruct", "<|image|>"),
            ("llama-3-instruct-llava", "<image>\n"),
        )
    ),
    _headers_row("llama-4", "<|header_start|>", "<|header_end|>", "<|eot|>", "\n\n", "<|image|>"),
    _headers_row(
        "granite-3-instruct",
        "<|start_of_role|>",
        "<|end_of_role|>",
        "<|end_of_text|>",
        "",
        "<image>",
    ),
    Row(
        name="minicpmv",
        **_MINICPM,  # type: ignore[arg-type]
        stop=("<|im_end|>", "<|endoftext|>"),
        image="(<image>./</image>)",
    ),
    Row(
        name="minicpmo",
        **_MINICPM,  # type: ignore[arg-type]
        stop=("<|im_end|>", "<|endoftext|>"),
        image="(<image>./</image>)",
        audio="(<audio>./</audio>)",
    ),
    *(
        Row(
            name=name,
            **_DEEPSEEK,  # type: ignore[arg-type]
            stop=(_DEEPSEEK_END,),
            image=image,
        )
        for name, image in (
            ("deepseek-v3", "<image>"),
            ("janus", "<image_placeholder>\n"),
            ("janus-pro", "<image_placeholder>\n"),
        )
    ),
    Row(
        name="yi-1.5",
        system=("", ""),
        user=("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
        assistant=("", "<|im_end|>\n"),
        stop=("<|im_end|>",),
    ),
    Row(
        name="gemma-it",
        system=("", ""),
        user=("<start_of_turn>user\n", "<end_of_turn>\n"),
        assistant=("<start_of_turn>model\n", "<end_of_turn>\n"),
        image="<start_of_image>",
        audio="<start_of_audio>",
    ),
    Row(
        name="gemma-4-it",
        system=("<|turn>system\n", "<turn|>\n"),
        user=("<|turn>user\n", "<turn|>\n"),
        assistant=("<|turn>assistant\n", "<turn|>\n"),
    ),
    Row(
        name="c4ai-command-r",
        system=("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
        user=("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
        assistant=("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
    ),
    Row(
        name="glm-4v",
        system=("<|system|>\n", "\n"),
        user=("<|user|>\n", "\n"),
        assistant=("<|assistant|>\n", "\n"),
        stop=("<|user|>", "<|endoftext|>", "<|observation|>"),
        image="<|image|>",
    ),
)

MATCHES: tuple[tuple[str, str | None, str], ...] = (
    (r"deepseek-(v3|r1)(?!.*distill)", r"base", "deepseek-v3"),
    (r"orion", None, "claude"),
    (r"janus", None, "janus-pro"),
    (r"vicuna|llava-v1\.5|llava-next-video-7b", None, "vicuna_v1.1"),
    (r"llama-2.*chat|codellama.*instruct", None, "llama-2-chat"),
    (r"pixtral|(mistral|mixtral).*instruct", None, "mistral"),
    (r"llama-3.*instruct", None, "llama-3-instruct"),
    (r"llama-4.*instruct", None, "llama-4"),
    (r"tinyllama", None, "chatml"),
    (r"qwen.*vl", None, "qwen2-vl"),
    (r"glm[-_]?4(\.\d+)?v", None, "glm-4v"),
    (r"qwen.*(chat|instruct)", r"llava", "qwen"),
    (
        r"llava-v1\.6-34b|llava-v1\.6-yi-34b|llava-next-video-34b|llava-onevision-qwen2",
        None,
        "chatml-llava",
    ),
    (r"yi-1\.5.*chat", None, "yi-1.5"),
    (r"gemma-4.*it", None, "gemma-4-it"),
    (r"gemma.*it|gemma-3(?!.*pt)", None, "gemma-it"),
    (r"minicpm-v", None, "minicpmv"),
    (r"minicpm-o", None, "minicpmo"),
    (r"c4ai-command-r", None, "c4ai-command-r"),
    (r"granite.*instruct", None, "granite-3-instruct"),
    (r"internvl2_5", None, "internvl-2-5"),
)
"""Pattern, exclusion and template name, looked for in this order in the lower-case model path."""
