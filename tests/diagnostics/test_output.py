"""Machine-readable findings: concise, JSON lines, GitHub workflow commands, SARIF 2.1.0."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.diagnostics.codes import CODES
from sglc.diagnostics.core import Diagnostic, Label, Span, Suggestion
from sglc.diagnostics.fixes import suggestions
from sglc.diagnostics.github import github_command
from sglc.diagnostics.links import SETTING, url
from sglc.diagnostics.output import OutputFormat, formatted
from sglc.diagnostics.sarif import sarif_log
from sglc.diagnostics.source import SourceLines

SOURCE = 'def f():\n    usr "😀𝒳 a"\n    "😀" + nme\n'
SOURCES = {"dir a/x.sgl": SOURCE}
ROLE = Diagnostic(
    code="SGL0110",
    message="unknown role `usr`",
    span=Span("dir a/x.sgl", 2, 5, 2, 8),
    label="not known",
    helps=("did you mean `user`?",),
)
NAME = Diagnostic(
    code="SGL0201",
    message="undefined name",
    severity="warning",
    span=Span("dir a/x.sgl", 3, 11, 3, 14),
    labels=(Label(Span("dir a/x.sgl", 2, 13, 2, 14), "here"),),
    notes=("a note",),
)
PLACELESS = Diagnostic(code="SGL0380", message="unknown pass `a`", severity="remark")
ALL = [ROLE, NAME, PLACELESS, ROLE]


def test_concise_and_repeated_findings() -> None:
    assert formatted(ALL, OutputFormat.CONCISE).splitlines() == [
        "dir a/x.sgl:2:5: error[SGL0110]: unknown role `usr`",
        "dir a/x.sgl:3:11: warning[SGL0201]: undefined name",
        "remark[SGL0380]: unknown pass `a`",
    ]
    assert formatted([], OutputFormat.CONCISE) == ""


def test_json_lines_have_everything() -> None:
    first, second, third = map(
        json.loads, formatted(ALL, OutputFormat.JSON, sources=SOURCES).splitlines()
    )
    span = {"file": "dir a/x.sgl", "line": 2, "column": 5, "end_line": 2, "end_column": 8}
    assert first == {
        "code": "SGL0110",
        "severity": "error",
        "message": "unknown role `usr`",
        "span": span,
        "label": "not known",
        "labels": [],
        "notes": [],
        "helps": ["did you mean `user`?"],
        "suggestions": [
            {
                "span": span,
                "replacement": "user",
                "message": "did you mean `user`?",
                "applicability": "maybe-incorrect",
            }
        ],
        "url": url("SGL0110"),
    }
    assert second["labels"][0]["text"] == "here"
    assert third["span"] is None


def test_suggestions_need_the_misspelt_word_under_the_caret() -> None:
    source = SourceLines(SOURCE)
    (found,) = suggestions(ROLE, source)
    assert (found.replacement, found.span) == ("user", ROLE.span)
    elsewhere = Diagnostic(
        code="SGL0110", message="m", span=Span("x", 2, 9, 2, 13), helps=ROLE.helps
    )
    assert suggestions(elsewhere, source) == ()
    assert suggestions(ROLE, None) == ()
    own = Suggestion(Span("x", 1, 1, 1, 4), "fragment", "make it a fragment", "machine-applicable")
    given_ = Diagnostic(code="SGL0110", message="m", suggestions=(own,), helps=ROLE.helps)
    assert suggestions(given_, source) == (own,)


def test_links_follow_the_setting_and_the_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "https://example.com/docs/")
    assert url("SGL0203") == "https://example.com/docs/errors.md#sgl0203-name-may-be-unset"
    assert url("SGL9999") is None
    headings = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
    slugs = set()
    for heading in re.findall(r"^### (.*)$", headings, re.MULTILINE):
        slugs.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    for code in CODES:
        assert str(url(code)).partition("#")[2] in slugs


# GitHub


def test_github_commands() -> None:
    assert formatted(ALL, OutputFormat.GITHUB).splitlines() == [
        "::error file=dir a/x.sgl,line=2,endLine=2,col=5,endColumn=8,title=sglc SGL0110"
        "::unknown role `usr`: not known%0Ahelp: did you mean `user`?",
        "::warning file=dir a/x.sgl,line=3,endLine=3,col=11,endColumn=14,title=sglc SGL0201"
        "::undefined name%0Anote: a note",
        "::notice title=sglc SGL0380::unknown pass `a`",
    ]


def test_github_leaves_columns_out_of_places_with_several_lines() -> None:
    item = Diagnostic(code="SGL0101", message="m", span=Span("a", 1, 5, 3, 2))
    assert github_command(item) == "::error file=a,line=1,endLine=3,title=sglc SGL0101::m"


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_github_commands_are_one_line_and_read_back(message: str, file: str) -> None:
    item = Diagnostic(code="SGL0101", message=message, span=Span.point(file, 1, 1))
    command = github_command(item)
    assert "\n" not in command
    assert "\r" not in command
    match = re.fullmatch(r"::error file=([^,:]*),line=1,[^:]*::(.*)", command)
    assert match is not None
    assert [unescape(part) for part in match.groups()] == [file, message]


def unescape(text: str) -> str:
    table = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    return re.sub("%(25|0D|0A|3A|2C)", lambda m: table[m[0]], text)


# SARIF


def check_sarif(log: dict[str, Any]) -> None:
    """The rules of the SARIF 2.1.0 schema that concern what we write."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert driver["name"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert set(rule) <= {"id", "shortDescription", "fullDescription", "help", "helpUri"}
        assert rule["fullDescription"]["text"].endswith(".")
        assert re.match(r"[a-z]+:", rule.get("helpUri", "https:"))
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        places = [*result["locations"], *result.get("relatedLocations", ())]
        for place in places:
            check_place(place["physicalLocation"], run)
        for fix in result.get("fixes", ()):
            for change in fix["artifactChanges"]:
                for replacement in change["replacements"]:
                    check_region(replacement["deletedRegion"])
                    assert isinstance(replacement["insertedContent"]["text"], str)


def check_place(physical: dict[str, Any], run: dict[str, Any]) -> None:
    where = physical["artifactLocation"]
    assert re.fullmatch(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", where["uri"])
    assert ("uriBaseId" in where) != where["uri"].startswith("file:///")
    assert where.get("uriBaseId", "SRCROOT") in run["originalUriBaseIds"]
    check_region(physical["region"])


def check_region(region: dict[str, int]) -> None:
    assert all(type(value) is int and value >= 1 for value in region.values())
    assert region["endLine"] >= region["startLine"]
    if region["endLine"] == region["startLine"]:
        assert region["endColumn"] >= region["startColumn"]


def test_sarif_is_valid_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "https://example.com/docs")
    log = json.loads(formatted(ALL, OutputFormat.SARIF, version="0.1.0", sources=SOURCES))
    check_sarif(log)
    (run,) = log["runs"]
    assert run["tool"]["driver"]["semanticVersion"] == "0.1.0"
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == ["SGL0110", "SGL0201", "SGL0380"]
    assert all(r["helpUri"].startswith("https:") for r in run["tool"]["driver"]["rules"])
    role, name, placeless = run["results"]
    assert [r["level"] for r in (role, name, placeless)] == ["error", "warning", "note"]
    where = role["locations"][0]["physicalLocation"]
    assert where["artifactLocation"] == {"uri": "dir%20a/x.sgl", "uriBaseId": "SRCROOT"}
    (fix,) = role["fixes"]
    assert fix["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": "user"}
    assert placeless["locations"] == []


def test_sarif_columns_are_utf16_code_units() -> None:
    log = sarif_log([NAME], "0", SOURCES)
    (result,) = log["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    line = SOURCE.split("\n")[2].encode("utf-16-le")
    start, end = 2 * (region["startColumn"] - 1), 2 * (region["endColumn"] - 1)
    assert line[start:end].decode("utf-16-le") == "nme"
    related = result["relatedLocations"][0]["physicalLocation"]["region"]
    assert (related["startColumn"], related["endColumn"]) == (15, 16)


def test_an_empty_log_is_a_log() -> None:
    log = json.loads(formatted([], OutputFormat.SARIF))
    check_sarif(log)
    assert log["runs"][0]["results"] == []


SPANS = st.builds(
    lambda a, b, c, d: Span("dir a/x.sgl", *min((a, b), (c, d)), *max((a, b), (c, d))),
    *[st.integers(1, 5), st.integers(1, 20)] * 2,
)


@given(st.lists(st.builds(Diagnostic, code=st.sampled_from(list(CODES)), message=st.just("m"),
                          span=SPANS, helps=st.just(("did you mean `user`?",)))))  # fmt: skip
def test_any_findings_make_a_valid_log(items: list[Diagnostic]) -> None:
    check_sarif(sarif_log(items, "0", SOURCES))


def test_absolute_files_are_file_uris(tmp_path: Path) -> None:
    item = Diagnostic(code="SGL0101", message="m", span=Span.point(str(tmp_path / "a b"), 1, 1))
    log = sarif_log([item], "0")
    check_sarif(log)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": (tmp_path / "a b").as_uri()}
