"""The whole page: no network, no inline handlers, and a policy that runs its own script alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sglc.cli.page.graph import graph_view
from sglc.cli.page.markup import Markup, element, joined
from sglc.cli.page.phases import phase_view
from sglc.cli.page.source import foreign, locations, source_view
from sglc.diagnostics.core import Diagnostic, Span
from sglc.ir.core import Module
from sglc.passes.instrumentation import Report
from sglc.programs.explanation import explain_report
from sglc.programs.target import Target


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the right side."""

    name: str
    body: Markup
    same: bool = False
    """A phase that changed nothing."""


def page(target: Target, report: Report) -> str:
    """A self-contained HTML page about a program that was compiled with texts kept."""
    module = report.value
    assert isinstance(module, Module)
    found = dict.fromkeys([*report.remarks, *explain_report(target, report).findings])
    file, text = _source(target, module)
    tabs = list(_tabs(file, report, list(found)))
    hint = "hover to see what belongs together, click to keep it"
    head = element("header", element("h1", file), element("span", hint))
    source = element("section", source_view(text, locations(module)), id="source")
    views = element("section", _navigation(tabs), *_panels(tabs))
    return _document(file, joined([head, source, views]))


def _source(target: Target, module: Module) -> tuple[str, str]:
    """The program's file and text. A dump's is the file that it was made from, while unchanged."""
    if target.kind != "sglir":
        return target.file, target.text
    try:
        text = Path(module.file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return module.file, "# the source is not here"
    wanted = module.attrs.get("source_sha256")
    if wanted != hashlib.sha256(text.encode()).hexdigest():
        return module.file, "# the source has changed since the dump was made"
    return module.file, text


def _tabs(file: str, report: Report, findings: Sequence[Diagnostic]) -> Iterator[Tab]:
    for run in reversed(report.runs):
        view = phase_view(run, foreign(report.value))
        yield Tab(run.name, view, same=run.before is not None and not run.differs)
    yield Tab("graph", graph_view(report.value))
    yield Tab(f"findings ({len(findings)})", _findings(file, findings))


def _findings(file: str, findings: Iterable[Diagnostic]) -> Markup:
    items = [
        element(
            "li",
            element("code", one.code),
            _where(one.span),
            ": ".join(part for part in (one.message, one.label) if part),
            *(element("div", f"{x.text} ({_where(x.span).strip()})") for x in one.labels),
            *(element("div", f"note: {note}") for note in one.notes),
            *(element("div", f"help: {text}") for text in one.helps),
            data_at=_key(one.span) if one.span is not None and one.span.file == file else None,
        )
        for one in findings
    ]
    return element("ul", *items, class_="findings") if items else element("p", "nothing to say")


def _where(span: Span | None) -> str:
    return "" if span is None else f"{span.line}:{span.column} "


def _key(span: Span) -> str:
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def _navigation(tabs: Sequence[Tab]) -> Markup:
    buttons = [
        element(
            "button",
            tab.name,
            type="button",
            role="tab",
            data_tab=f"tab-{number}",
            aria_selected="true" if number == 0 else "false",
            class_="same" if tab.same else None,
        )
        for number, tab in enumerate(tabs)
    ]
    return element("nav", *buttons, role="tablist")


def _panels(tabs: Sequence[Tab]) -> list[Markup]:
    return [
        element("div", tab.body, id=f"tab-{n}", role="tabpanel", hidden="hidden" if n else None)
        for n, tab in enumerate(tabs)
    ]


def _document(title: str, body: Markup) -> str:
    style, script = (_own(name) for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    head = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            Markup('<meta name="viewport" content="width=device-width">'),
            element("title", f"{title} - sglc"),
            Markup(f"<style>{style}</style>"),
        ]
    )
    code = Markup(f"<script>{script}</script>")
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}{code}</body></html>\n'


def _own(name: str) -> str:
    return files("sglc.cli.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
