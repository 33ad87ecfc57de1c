"""`sglc explain PROGRAM`: text with excerpts, JSON, findings in other forms."""

from __future__ import annotations

import json
from pathlib import Path

from sglc.ir.printer import print_module
from sglc.programs.target import load_module, parse_target
from tests.cli.programs import ROOT, invoke
from tests.diagnostics.test_output import check_sarif

EXAMPLES = ROOT / "examples"
JUDGE = str(EXAMPLES / "judge.sgl")


def test_a_function_has_a_summary_and_excerpts() -> None:
    done = invoke("explain", JUDGE)
    assert done.exit_code == 0
    assert done.stderr == ""
    head = done.stdout.splitlines()[0]
    assert head.startswith(f"{JUDGE}:")
    assert "function judge: 10 model operations lifted, 0 live; 0 waits; 1 fork of" in head
    assert (
        "`Please judge the essay below. Essay:`, about 8 tokens, the same in every" in done.stdout
    )
    assert '"Evidence"] as judgments:\n       |     ^^^^ branches run side by side' in done.stdout


def test_one_function() -> None:
    target = str(EXAMPLES / "json_record.sgl")
    both, one = invoke("explain", target).stdout, invoke("explain", target + ":extract").stdout
    assert "function character_gen" in both
    assert "function extract" in both
    assert "function character_gen" not in one
    assert "function extract" in one


def test_pipelines_decide_what_is_found() -> None:
    assert "stays a handle" not in invoke("explain", JUDGE, "--passes", "").stdout
    assert invoke("explain", JUDGE, "--passes", "promot").exit_code == 1


def test_json_is_one_object() -> None:
    done = invoke("explain", str(EXAMPLES / "agent.py"), "--output-format", "json")
    found = json.loads(done.stdout)
    (agent,) = found["functions"]
    assert (agent["name"], agent["kind"], agent["place"]) == (
        "agent",
        "program",
        {"line": 9, "column": 1},
    )
    assert agent["prefix"]["segments"][1] == "You are a careful agent."
    assert [wait["code"] for wait in agent["waits"]] == ["SGL0371"] * 4
    assert agent["values"][0]["source"] == "range(max_steps)"
    assert {"live", "host", "parallel", "remarks", "lifted", "summary"} <= agent.keys()


def test_other_forms_list_the_findings() -> None:
    agent = str(EXAMPLES / "agent.py")
    listed = invoke("explain", agent, "--output-format", "concise").stdout.splitlines()
    assert f"{agent}:15:12: remark[SGL0371]: waits for select tool: condition of `if`" in listed
    github = invoke("explain", agent, "--output-format", "github").stdout.splitlines()
    assert len(github) == len(listed)
    assert all(line.startswith("::notice file=") for line in github)
    log = json.loads(invoke("explain", agent, "--output-format", "sarif").stdout)
    check_sarif(log)
    assert len(log["runs"][0]["results"]) == len(listed)


def test_without_source_there_are_places(tmp_path: Path) -> None:
    path = tmp_path / "gone.sgl"
    path.write_text('def f():\n    x = gen()\n    if x == "a":\n        "b"\n', encoding="utf-8")
    dump = tmp_path / "dump.sglir"
    dump.write_text(print_module(load_module(parse_target(str(path)))), encoding="utf-8")
    path.unlink()
    said = invoke("explain", str(dump)).stdout
    assert "    3:8 waits for gen x: condition of `if` (gen x at 2:9)\n" in said


def test_a_file_without_programs_says_so() -> None:
    target = str(EXAMPLES / "tools.py")
    assert invoke("explain", target).stdout == f"{target}: no programs\n"
