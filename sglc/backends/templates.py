"""The chat template of a checkpoint folder."""

from __future__ import annotations

import warnings
from pathlib import Path

from sglc.language.chat_template import ChatTemplate, get_chat_template


def template_of_folder(folder: Path) -> ChatTemplate:
    """
    Role prefixes and suffixes of the tokenizer's own template; `default` where it has none.

    A template that rewrites earlier turns is written turn by turn all the same, with a warning;
    one from which no prefixes can be derived is replaced by `default`, with a warning.
    """
    from sglc_runtime.text.chat_template import derive
    from sglc_runtime.text.jinja import ChatTemplateError

    try:
        derived = derive(folder)
    except (ChatTemplateError, OSError):
        return get_chat_template("default")
    if derived.renders_whole:
        what = "is written turn by turn" if derived.roles else "is not used"
        warnings.warn(f"the chat template of {folder} {what}: {derived.reason}", stacklevel=2)
    if not derived.roles:
        return get_chat_template("default")
    return ChatTemplate(
        derived.name, derived.default_system_prompt, dict(derived.roles), derived.stop_str
    )
