"""`sglc run -i -o`: rows, order, errors in rows, Ctrl-C."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.cli.programs import RECORDING, ROOT, environment, invoke

PROGRAM = """
import time
import sglc as sgl


@sgl.function
def main(s, question: str, wait: float = 0):
    if wait:
        time.sleep(wait)
    s += "Q: " + question + sgl.gen("answer")
    return 1 / len(question)
"""


def write(folder: Path, rows: list[Any]) -> tuple[str, str, str]:
    program, source = folder / "program.py", folder / "rows.jsonl"
    program.write_text(PROGRAM, encoding="utf-8")
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(program), str(source), str(folder / "out.jsonl")


def read(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_rows_come_in_input_order(tmp_path: Path) -> None:
    waits = [0.3, 0, 0.15, 0]
    rows = [{"question": f"q{i}", "wait": wait} for i, wait in enumerate(waits)]
    program, source, out = write(tmp_path, rows)
    done = invoke("run", program, "-i", source, "-o", out, "--backend", RECORDING, "--seed", "3")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    found = read(out)
    assert [row["row"] for row in found] == [0, 1, 2, 3]
    assert [row["text"].startswith(f"Q: q{row['row']}") for row in found] == [True] * 4
    assert len({row["seed"] for row in found}) == 4
    alone = invoke("run", program, "-i", source, "--backend", RECORDING, "--seed", "3")
    assert [json.loads(line) for line in alone.stdout.splitlines()] == found


def test_errors_are_in_their_rows(tmp_path: Path) -> None:
    rows = [
        {"question": "a"}, {"question": 1}, "{", {}, {"question": ""}, "", {"question": "b"},
    ]  # fmt: skip
    program, source, out = write(tmp_path, rows)
    done = invoke("run", program, "-i", source, "-o", out, "--backend", RECORDING)
    assert done.exit_code == 1
    assert f"6 rows, 4 failed, written to {out}" in done.stderr
    found = read(out)
    assert [row["row"] for row in found] == list(range(6))
    assert [row.get("error", {}).get("code") for row in found] == [
        None, "SGL0610", "SGL0611", "SGL0603", "SGL0507", None,
    ]  # fmt: skip
    host = found[4]["error"]
    assert host["message"] == "ZeroDivisionError: division by zero"
    assert (host["file"], host["line"]) == (program, 11)


def test_the_drawn_seed_repeats_the_batch(tmp_path: Path) -> None:
    program, source, out = write(tmp_path, [{"question": "a"}, {"question": "b"}])
    first = invoke("run", program, "-i", source, "-o", out, "--backend", RECORDING)
    seed = first.stderr.splitlines()[0].removeprefix("seed ")
    again = invoke("run", program, "-i", source, "--backend", RECORDING, "--seed", seed)
    assert [json.loads(line) for line in again.stdout.splitlines()] == read(out)


def test_no_rows(tmp_path: Path) -> None:
    program, source, out = write(tmp_path, [])
    done = invoke("run", program, "-i", source, "-o", out, "--backend", RECORDING)
    assert done.exit_code == 0
    assert read(out) == []


def test_interrupt_leaves_finished_rows_on_disk(tmp_path: Path) -> None:
    rows = [{"question": "a"}, {"question": "b"}, {"question": "c", "wait": 100}, {"question": "d"}]
    program, source, out = write(tmp_path, rows)
    process = subprocess.Popen(
        [sys.executable, "-m", "sglc", "run", program, "-i", source, "-o", out,
         "--backend", RECORDING],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (Path(out).exists() and len(read(out)) == 2):
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[-1] == "interrupted"
    assert [row["row"] for row in read(out)] == [0, 1, 3]
