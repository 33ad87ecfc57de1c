"""Splitting a model's reasoning off its answer, by SGLang's model types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReasoningFormat:
    """Markers around the reasoning; `forced`: it begins without its opening marker."""

    begin: str = "<think>"
    end: str = "</think>"
    forced: bool = False


FORMATS: dict[str, ReasoningFormat] = {
    "deepseek-r1": ReasoningFormat(forced=True),
    "deepseek-v3": ReasoningFormat(),
    "glm45": ReasoningFormat(),
    "interns1": ReasoningFormat(),
    "kimi": ReasoningFormat("◁think▷", "◁/think▷"),
    "kimi_k2": ReasoningFormat(),
    "minimax": ReasoningFormat(forced=True),
    "mistral": ReasoningFormat("[THINK]", "[/THINK]"),
    "nemotron_3": ReasoningFormat(),
    "qwen3": ReasoningFormat(),
    "qwen3-thinking": ReasoningFormat(forced=True),
    "step3": ReasoningFormat(forced=True),
}


def split_reasoning(model_type: str, text: object) -> tuple[str, str]:
    """
    Reasoning and answer. A text cut off inside the reasoning has an empty answer.

    ValueError for an unknown `model_type`, TypeError for a list (`n` > 1).
    """
    form = FORMATS.get(model_type.lower())
    if form is None:
        raise ValueError(f"Unsupported model type: {model_type}; known: {', '.join(FORMATS)}")
    if not isinstance(text, str):
        raise TypeError("separate_reasoning needs a gen with one sample")
    if not form.forced and form.begin not in text:
        return "", text
    reasoning, found, answer = text.replace(form.begin, "").strip().partition(form.end)
    return reasoning, answer.strip() if found else ""
