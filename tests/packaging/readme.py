"""
README as data: its set-up commands and its fenced blocks, for tests and for CI.

`python tests/packaging/readme.py N` prints the N-th set-up command (from 1).
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line in README where it starts."""

    language: str
    body: str
    line: int


def blocks(text: str | None = None) -> list[Block]:
    """Every fenced block of README, in order."""
    text = README.read_text(encoding="utf-8") if text is None else text
    return [
        Block(match["language"], match["body"], text.count("\n", 0, match.start()) + 1)
        for match in FENCE.finditer(text)
    ]


def setup_commands() -> list[str]:
    """The set-up commands: what `sh` blocks hold, one a line."""
    bodies = [block.body for block in blocks() if block.language == "sh"]
    return [line for body in bodies for line in body.splitlines() if line.strip()]


def sessions(block: Block) -> list[tuple[str, str]]:
    """Commands of a `console` block (`$ command`) with the output that follows each."""
    pairs: list[tuple[str, list[str]]] = []
    for line in block.body.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], []))
        else:
            pairs[-1][1].append(line)
    return [(command, "\n".join(output).strip("\n")) for command, output in pairs]


if __name__ == "__main__":
    print(setup_commands()[int(sys.argv[1]) - 1])
