"""`sglc run` on Python programs, answered by the recording backend."""

import json
import textwrap
from pathlib import Path

import pytest

from tests.cli.programs import RECORDING, invoke

GREET = """
import sglc as sgl


@sgl.function
def greet(s, name: str, times: int = 1):
    for _ in range(times):
        s += sgl.user("Hello, I am " + name)
        s += sgl.assistant(sgl.gen("reply"))
    return {"name": name, "times": times}
"""


def write(folder: Path, text: str, name: str = "program.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return str(path)


def test_conversation_and_return_value(tmp_path: Path) -> None:
    done = invoke("run", write(tmp_path, GREET), "-p", "name=Ann", "--backend", RECORDING)
    assert done.exit_code == 0, done.output
    first, second, value = done.stdout.splitlines()
    assert first == "user: Hello, I am Ann"
    assert second.startswith("assistant: ")
    assert value == '=> {"name": "Ann", "times": 1}'
    assert done.stderr.startswith("seed ")


def test_stream_prints_the_same(tmp_path: Path) -> None:
    program = write(tmp_path, GREET)
    args = ("run", program, "-p", "name=Ann", "-p", "times=2", "--backend", RECORDING)
    assert (
        invoke(*args, "--stream").stdout == invoke(*args).stdout == invoke(*args, "--eager").stdout
    )


def test_json(tmp_path: Path) -> None:
    args = ("-p", "name=Ann", "--seed", "7", "--json", "--backend", RECORDING)
    done = invoke("run", write(tmp_path, GREET), *args)
    found = json.loads(done.stdout)
    assert list(found) == ["text", "messages", "variables", "return_value", "usage", "seed"]
    assert found["messages"][0] == {"role": "user", "content": "Hello, I am Ann"}
    assert found["messages"][1]["content"] == found["variables"]["reply"]
    assert found["return_value"] == {"name": "Ann", "times": 1}
    assert found["usage"]["completion_tokens"] > 0
    assert found["seed"] == 7
    assert done.stderr == ""


def test_stats_go_to_stderr(tmp_path: Path) -> None:
    args = ("-p", "name=Ann", "--seed", "7", "--stats", "--backend", RECORDING)
    done = invoke("run", write(tmp_path, GREET), *args)
    assert "prompt tokens" not in done.stdout
    assert "prompt tokens" in done.stderr
    assert "generated tokens" in done.stderr


@pytest.mark.parametrize(
    ("args", "exit_code", "message"),
    [
        ((), 2, "error[SGL0603]: missing value for parameter `name`"),
        (("-p", "nam=x"), 2, "did you mean `name`?"),
        (("-p", "name=x", "-p", "times=many"), 2, "expected a whole number, found `many`"),
        (("-p", "name=x", "-o", "out.jsonl"), 2, "`-o` needs `-i ROWS.jsonl`"),
        (("-i", "none.jsonl"), 2, "cannot read `none.jsonl`: no such file or directory"),
        (("-p", "name=x", "-i", "rows.jsonl"), 2, "`-p` cannot be combined with `-i`"),
        (("-p", "name=x", "--no-pass", "promot"), 1, "did you mean `promote`?"),
        (("-p", "name=x", "--passes", "promote{"), 1, "add a `}`"),
        (("-p", "name=x", "--model", "none"), 2, "cannot load a model from `none`: no such folder"),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, args: tuple[str, ...], exit_code: int, message: str
) -> None:
    done = invoke("run", write(tmp_path, GREET), *args)
    assert done.exit_code == exit_code, done.output
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai", "`openai` is not a backend"),
        ("no_such_module:x", "cannot import `no_such_module`"),
        ("json:none", "module `json` has no `none`"),
        ("http://127.0.0.1:9", "cannot use the server at `http://127.0.0.1:9`"),
    ],
)
def test_wrong_backends(tmp_path: Path, spec: str, message: str) -> None:
    done = invoke("run", write(tmp_path, GREET), "-p", "name=x", "--backend", spec)
    assert done.exit_code == 2
    assert message in done.stderr


def test_unknown_file_and_function(tmp_path: Path) -> None:
    program = write(tmp_path, GREET)
    done = invoke("run", program + ":gret")
    assert done.exit_code == 2
    assert f"no function `gret` in `{program}`" in done.stderr
    assert "did you mean `greet`?" in done.stderr
    done = invoke("run", str(tmp_path / "progam.py"))
    assert done.exit_code == 2
    assert f"did you mean `{program}`?" in done.stderr
    done = invoke("run", write(tmp_path, "hello", "program.txt"))
    assert done.exit_code == 2
    assert "is not a program" in done.stderr
    done = invoke("run", str(tmp_path))
    assert done.exit_code == 2
    assert "is a directory" in done.stderr


def test_more_than_one_function(tmp_path: Path) -> None:
    program = write(tmp_path, GREET + GREET.replace("greet", "other"))
    done = invoke("run", program)
    assert done.exit_code == 2
    assert "more than one function" in done.stderr
    assert f"write `{program}:NAME`; names are `greet`, `other`" in done.stderr
    assert invoke("run", program + ":other", "-p", "name=x", "--backend", RECORDING).exit_code == 0


def test_syntax_error(tmp_path: Path) -> None:
    program = write(tmp_path, "x = (1,\ny = 2 +\n")
    done = invoke("run", program)
    assert done.exit_code == 1
    assert "error[SGL0101]" in done.stderr
    assert f"--> {program}:" in done.stderr


def test_exception_while_importing(tmp_path: Path) -> None:
    program = write(tmp_path, "import sglc\n\nnumbers = [1]\nnumbers[3]\n")
    done = invoke("run", program)
    assert done.exit_code == 1
    assert "error[SGL0507]: IndexError: list index out of range" in done.stderr
    assert f"--> {program}:4:1" in done.stderr


def test_exception_in_host_code(tmp_path: Path) -> None:
    program = write(
        tmp_path,
        """
        import sglc as sgl

        def helper(values):
            return 1 / len(values)

        @sgl.function
        def main(s):
            s += "before\\n"
            helper([])
        """,
    )
    done = invoke("run", program, "--backend", RECORDING)
    assert done.exit_code == 1
    assert done.stdout == "before\n"
    assert "error[SGL0507]: ZeroDivisionError: division by zero" in done.stderr
    assert f"--> {program}:4:12" in done.stderr
    assert f"called from {program}:9 in `main`" in done.stderr


def test_failed_generation_names_the_gen(tmp_path: Path) -> None:
    program = write(
        tmp_path,
        """
        import sglc as sgl
        from sglc.backends.recording import RecordingBackend

        failing = RecordingBackend(failures={"two": RuntimeError("the server is gone")})

        @sgl.function
        def main(s):
            s += "one" + sgl.gen("a")
            s += "two" + sgl.gen("b")
        """,
    )
    done = invoke("run", program, "--backend", "program:failing")
    assert done.exit_code == 1
    assert "error[SGL0501]: generation failed: RuntimeError: the server is gone" in done.stderr
    assert f"--> {program}:9:" in done.stderr


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ('s += "a" + sgl.gen("x", regex="[a-")', "unterminated character set"),
        ('s += "a" + sgl.gen("x", json_schema="{")', "json_schema is not JSON"),
        ("s += None", "Tried to append None to state."),
        ("s += 3", "3 cannot be appended to a state"),
        ('s += sgl.user(sgl.user("x"))', "Nested roles are not allowed."),
    ],
)
def test_mistakes_are_placed(tmp_path: Path, statement: str, message: str) -> None:
    """What SGLang reports late, or not at all, is an error at its line."""
    text = f"import sglc as sgl\n\n\n@sgl.function\ndef main(s):\n    {statement}\n"
    program = write(tmp_path, text)
    for more in ((), ("--eager",), ("--json",)):
        done = invoke("run", program, "--backend", RECORDING, *more)
        assert done.exit_code == 1, done.output
        assert "error[SGL0507]" in done.stderr
        assert message in done.stderr
        assert f"--> {program}:6:" in done.stderr


def test_the_programs_backend_wins_over_the_default(tmp_path: Path) -> None:
    text = GREET + textwrap.dedent(
        """
        from sglc.backends.recording import RecordingBackend
        sgl.set_default_backend(RecordingBackend(rules={"Hello": "from the program"}))
        chosen = RecordingBackend(rules={"Hello": "from the command line"})
        """
    )
    program = write(tmp_path, text)
    try:
        done = invoke("run", program, "-p", "name=x")
        assert "assistant: from the program" in done.stdout
        done = invoke("run", program, "-p", "name=x", "--backend", "program:chosen")
        assert "assistant: from the command line" in done.stdout
    finally:
        import sglc

        sglc.set_default_backend(None)


def test_a_bug_of_ours_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sglc.cli.arguments.from_options", iter(()).__next__)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = invoke("run", write(tmp_path, GREET), "-p", "name=x")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert "internal error: TypeError: " in done.stderr
    assert "Traceback" not in done.stderr
    (report,) = tmp_path.glob("sglc-report-*.txt")
    assert str(report) in done.stderr
    assert "Traceback" in report.read_text(encoding="utf-8")
