"""`sglc run` on scripts and dumps, answered by the recording backend."""

import json
import textwrap
from pathlib import Path

import pytest

from tests.cli.programs import RECORDING, invoke

CHAT = """
def chat(topic: str, turns: int = 1) -> str:
    system "Be brief."
    user "Explain ${topic}."
    assistant:
        answer = gen()
    for i in range(turns - 1):
        user "More."
        assistant:
            answer = gen()
    return answer
"""


def write(folder: Path, text: str, name: str = "program.sgl") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return str(path)


def test_conversation_and_return_value(tmp_path: Path) -> None:
    done = invoke("run", write(tmp_path, CHAT), "-p", "topic=ice", "--backend", RECORDING)
    assert done.exit_code == 0, done.output
    system, user, assistant, value = done.stdout.splitlines()
    assert system == "system: Be brief."
    assert user == "user: Explain ice."
    assert value.removeprefix("=> ") == assistant.removeprefix("assistant: ")


def test_streaming_eager_and_passes_change_nothing(tmp_path: Path) -> None:
    args = (
        "run",
        write(tmp_path, CHAT),
        "-p",
        "topic=ice",
        "-p",
        "turns=3",
        "--backend",
        RECORDING,
    )
    plain = invoke(*args).stdout
    assert plain.count("assistant: ") == 3
    for more in (["--stream"], ["--eager"], ["--passes", ""], ["--no-pass", "promote"]):
        assert invoke(*args, *more).stdout == plain


def test_json(tmp_path: Path) -> None:
    args = ("-p", "topic=ice", "--seed", "5", "--json", "--backend", RECORDING)
    found = json.loads(invoke("run", write(tmp_path, CHAT), *args).stdout)
    assert found["messages"][1] == {"role": "user", "content": "Explain ice."}
    assert found["variables"]["answer"] == found["return_value"]
    assert found["seed"] == 5


def test_dump_says_the_same(tmp_path: Path) -> None:
    program, dump = write(tmp_path, CHAT), str(tmp_path / "chat.sglir")
    assert invoke("compile", program, "-o", dump).exit_code == 0
    args = ("-p", "topic=ice", "--backend", RECORDING)
    assert invoke("run", dump, *args).stdout == invoke("run", program, *args).stdout


@pytest.mark.parametrize(
    ("args", "exit_code", "message"),
    [
        (("-p", "turns=2"), 2, "topic"),
        (("-p", "topic=a", "-p", "topik=b"), 2, "did you mean `topic`?"),
        (("-p", "topic=a", "-p", "turns=many"), 2, "turns"),
        (("-p", "topic"), 2, "`-p topic` has no value"),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, args: tuple[str, ...], exit_code: int, message: str
) -> None:
    done = invoke("run", write(tmp_path, CHAT), *args, "--backend", RECORDING)
    assert done.exit_code == exit_code, done.output
    assert done.stderr.startswith("error[SGL")
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.output


def test_unknown_function(tmp_path: Path) -> None:
    program = write(tmp_path, CHAT)
    done = invoke("run", program + ":chta", "-p", "topic=a")
    assert done.exit_code == 2
    assert f"no function `chta` in `{program}`" in done.stderr
    assert "did you mean `chat`?" in done.stderr


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('def f():\n\t"a"\n', "2:1", "tab"),
        ('def f():\n    "a\n', "2:5", "string"),
        ('def f():\n    usr "a"\n', "2:5", "did you mean `user`?"),
        ('def f():\n        "a"\n    "b"\n', "3:1", "indent"),
        ('def f():\n    if 1 == 1\n        "a"\n', "2:14", "expected `:`"),
        ("def f():\n    x = gen(max_tokens=3\n", "2:12", "never closed"),
        ('def f():\n    x = gen(regex="[a-")\n', "2:19", "regular expression"),
        ('def f():\n    x = gen(json_schema="{")\n', "2:25", "JSON"),
        ('def f():\n    "${y}"\n', "2:8", "y"),
        ("schema A:\n    b: B\n\ndef f():\n    x = gen(json=A)\n", "2:8", "B"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run", "compile", "explain"])
def test_mistakes_in_a_script(
    tmp_path: Path, command: str, text: str, place: str, message: str
) -> None:
    """Each is found at its place, by every command alike."""
    program = write(tmp_path, text)
    done = invoke(command, program)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("error[SGL")
    assert f"--> {program}:{place}" in done.stderr
    assert message in done.stderr
    assert done.stdout == ""


def test_extern_must_be_allowed(tmp_path: Path) -> None:
    write(tmp_path, "def shout(text):\n    return text.upper()\n", "loud.py")
    program = write(
        tmp_path,
        """
        extern def shout(text: str) -> str from "loud:shout"

        def main() -> str:
            return shout("hi")
        """,
    )
    done = invoke("run", program, "--backend", RECORDING)
    assert done.exit_code == 1
    assert "error[SGL0505]" in done.stderr
    assert "--allow-extern loud" in done.stderr
    done = invoke("run", program, "--backend", RECORDING, "--allow-extern", "loud")
    assert done.stdout == "=> HI\n"


def test_exception_in_a_host_function(tmp_path: Path) -> None:
    write(tmp_path, "def fail(text):\n    raise OSError('disk is full')\n", "broken.py")
    program = write(
        tmp_path,
        """
        extern def fail(text: str) -> str from "broken:fail"

        def main() -> str:
            "before\\n"
            return fail("hi")
        """,
    )
    done = invoke("run", program, "--backend", RECORDING, "--allow-extern", "broken")
    assert done.exit_code == 1
    assert done.stdout == "before\n"
    assert "error[SGL0502]" in done.stderr
    assert "disk is full" in done.stderr
    assert f"--> {program}:5:12" in done.stderr
    assert "Traceback" not in done.stderr


def test_batch(tmp_path: Path) -> None:
    rows = [{"topic": "ice"}, {"topic": 3}, {"topic": "fire", "turns": 2}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = invoke(
        "run", write(tmp_path, CHAT), "-i", str(tmp_path / "rows.jsonl"), "--backend", RECORDING
    )
    assert done.exit_code == 1
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert [row["row"] for row in (first, second, third)] == [0, 1, 2]
    assert "topic" in second["error"]["message"]
    assert len(third["messages"]) == 5


def test_python_dump_needs_its_module_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
        import sglc as sgl

        @sgl.function
        def main(s, name):
            s += "Hello " + name.upper() + sgl.gen("reply")
        """
    program, dump = write(tmp_path, text, "dumped.py"), str(tmp_path / "dumped.sglir")
    assert invoke("compile", program, "-o", dump).exit_code == 0
    args = ("-p", "name=Ann", "--backend", RECORDING)
    done = invoke("run", dump, *args)
    assert done.exit_code == 2
    assert "allow it with `--allow-module dumped`" in done.stderr
    done = invoke("run", dump, *args, "--allow-module", "dumped")
    assert done.exit_code == 0, done.output
    assert done.stdout == invoke("run", program, *args).stdout
    changed = Path(dump).read_text(encoding="utf-8")
    start = changed.rindex('source_sha256 = "') + len('source_sha256 = "')
    Path(dump).write_text(changed[:start] + "0" * 64 + changed[start + 64 :], encoding="utf-8")
    done = invoke("run", dump, *args, "--allow-module", "dumped")
    assert done.exit_code == 2
    assert "has changed since" in done.stderr
