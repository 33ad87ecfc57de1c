"""What a diagnostic code means, with an example that fails and one that works."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent


@dataclass(frozen=True, slots=True)
class Page:
    """Explanation of one code. Examples are whole programs; tests run those in scripts."""

    code: str
    title: str
    """One line, lower case, without a final period."""
    meaning: str
    failing: str = ""
    fixed: str = ""
    language: str = "sgl"
    """Of the examples: `sgl`, `python` or `sh`."""

    def text(self) -> str:
        """The page as `sglc explain` prints it."""
        parts = [f"{self.code}: {self.title}", _paragraphs(self.meaning)]
        if self.failing:
            parts += ["Wrong:", indent(example(self.failing), "    ").rstrip()]
        if self.fixed:
            parts += ["Right:", indent(example(self.fixed), "    ").rstrip()]
        return "\n\n".join(parts) + "\n"

    def markdown(self) -> str:
        """The page as a section of docs/errors.md."""
        fence = self.language
        parts = [f"### {self.code}: {self.title}", _paragraphs(self.meaning)]
        if self.failing:
            parts.append(f"Wrong:\n\n```{fence}\n{example(self.failing)}```")
        if self.fixed:
            parts.append(f"Right:\n\n```{fence}\n{example(self.fixed)}```")
        return "\n\n".join(parts) + "\n"


def example(text: str) -> str:
    """Example text without the indentation it has in the page's source, ending with a newline."""
    return dedent(text).strip("\n") + "\n"


def _paragraphs(text: str) -> str:
    return dedent(text).strip("\n")
