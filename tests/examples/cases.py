"""Every example in both languages, with its arguments."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"

ESSAY = (
    "The main idea about cats is stated at once. For instance, a study shows clear results. "
    "Therefore, the argument leads to a clear conclusion."
)
NAMES = [
    "diet", "exercise", "sleep", "water", "stress", "hygiene", "sunlight", "walking",
    "stretching", "posture", "friends", "breathing", "breakfast", "vegetables", "fruit", "checkups",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An example: `file.function` in Python and in `.sgl`, and the arguments both get."""

    file: str
    function: str
    args: dict[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def id(self) -> str:
        return f"{self.file}:{self.function}{self.label and '-' + self.label}"


CAPITAL = {
    "question_1": "What is the capital of the United States?",
    "question_2": "List two local attractions.",
}

CASES = [
    Case("multi_turn_question", "multi_turn_question", CAPITAL),
    Case("control_flow", "control_flow", {"question": "What is 12 * 7?"}, "calculator"),
    Case(
        "control_flow",
        "control_flow",
        {"question": "What is on the page www.openai.com?"},
        "browser",
    ),
    Case("tip_suggestion", "tip_suggestion"),
    Case("many_tips", "many_tips", {"topic": "staying healthy", "names": NAMES}),
    Case("regex_ip", "regular_expression_gen"),
    Case("text_qa", "text_qa", {"question": "What is the capital of the United Kingdom?"}),
    Case("streaming", "text_qa", {"question": "What is the capital of France?"}),
    Case("json_record", "character_gen", {"name": "Harry Potter"}),
    Case("json_record", "extract", {"text": "Ada Lovelace is 36 years old and lives in London."}),
    Case("judge", "judge", {"essay": ESSAY}),
    Case("agent", "agent", {"question": "What is 12 * 7?"}, "calc"),
    Case("agent", "agent", {"question": "Who wrote Romeo and Juliet?"}, "search"),
]
