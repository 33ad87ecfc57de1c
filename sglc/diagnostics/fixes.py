"""Replacements that editors can apply: those a diagnostic carries, and those its helps name."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from sglc.diagnostics.core import Diagnostic, Suggestion
from sglc.diagnostics.source import SourceLines

_DID_YOU_MEAN = re.compile(r"did you mean `([^`\n]+)`\?")
_ALIKE = 0.5
"""Similarity from which a word at the place is taken for the one that the help corrects."""


def suggestions(diagnostic: Diagnostic, source: SourceLines | None) -> tuple[Suggestion, ...]:
    """
    The diagnostic's own suggestions, else one from a help `did you mean ...?`.

    Such a help speaks of the word under the caret; that is checked against the source, and where
    the place holds anything else there is no suggestion.
    """
    if diagnostic.suggestions or diagnostic.span is None or source is None:
        return diagnostic.suggestions
    span = diagnostic.span
    if span.line != span.end_line or not 1 <= span.line <= len(source):
        return ()
    word = source.raw(span.line)[span.column - 1 : span.end_column - 1]
    for text in diagnostic.helps:
        match = _DID_YOU_MEAN.fullmatch(text)
        if match is not None and _corrects(word, match[1]):
            return (Suggestion(span, match[1], text),)
    return ()


def _corrects(word: str, better: str) -> bool:
    return bool(word) and SequenceMatcher(None, word.lower(), better.lower()).ratio() >= _ALIKE
