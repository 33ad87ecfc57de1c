"""Strangers' scripts: ways out, and ways to use everything up, all end in a diagnostic."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sglc.diagnostics.core import SglcError
from sglc.execution.limits import NAMES, Limits
from sglc.expressions.values import ValueLimits
from sglc.frontends.script import check_script
from sglc.ir.parser import parse_module
from sglc.programs.program import load
from tests.execution.scripts import run

SMALL = Limits(
    steps=20_000,
    depth=50,
    iterations=5_000,
    branches=50,
    states=200,
    generations=100,
    prompt=100_000,
    memory=2_000_000,
    values=ValueLimits(characters=200_000, items=10_000, bits=2_000),
)


def outcome(text: str, **how: object) -> tuple[str, str]:
    """The code and message of the mistake that a script has, or fails with."""
    found = [d for d in check_script(text, file="x.sgl") if d.severity == "error"]
    if found:
        return found[0].code, found[0].message
    error = run(text, limits=SMALL, **how).error  # type: ignore[arg-type]
    assert error is not None, "the script did what it wanted"
    return error.code, error.message


def function(lines: str) -> str:
    bomb = "fragment g():\n    fork 40:\n        g()\n"
    return bomb + "def f(u='x'):\n" + textwrap.indent(lines, "    ") + "\n"


# ---- ways out to Python --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("x = u.__class__", "SGL0503"),
        ("x = parse_json('[]').__class__.__bases__", "SGL0503"),
        ("x = {'a': 1}.__init__", "SGL0228"),
        ("x = [].__class__", "SGL0226"),
        ("x = u.format(u)", "SGL0224"),
        ("x = '{0.__class__}'.format(u)", "SGL0224"),
        ("x = '%s' % u", "SGL0503"),
        ("x = u.__getattribute__('upper')", "SGL0224"),
        ("x = getattr(u, 'upper')", "SGL0201"),
        ("x = eval('1')", "SGL0201"),
        ("x = exec('1')", "SGL0201"),
        ("x = open('/etc/passwd')", "SGL0201"),
        ("x = __import__('os')", "SGL0201"),
        ("x = _unpack(u, 1)", "SGL0201"),
        ("x = globals()", "SGL0201"),
        ("x = type(u).mro()", "SGL0224"),
        ("x = len.__globals__", "SGL0202"),
        ("x = gen.__globals__", "SGL0202"),
        ("x = (lambda: 1)()", "SGL0101"),
        ("import os", "SGL0101"),
        ("x = `ls`", "SGL0102"),
        ("'${__import__('os')}'", "SGL0101"),
        ("\"${__import__('os')}\"", "SGL0201"),
        ("x = parse_json('{\"__class__\": 1}').__class__ + 'a'", "SGL0503"),
        ("try:\n    x = 1\nexcept gen_error as e:\n    y = e.__traceback__", "SGL0228"),
        ("fork 2 as t:\n    x = gen()\ny = t[0].__dict__", "SGL0228"),
        ("x = error('a')", "SGL0201"),
    ],
)
def test_nothing_leads_to_python(lines: str, code: str) -> None:
    assert outcome(function(lines))[0] == code


@pytest.mark.parametrize(
    ("target", "allowed", "code"),
    [
        ("os:system", (), "SGL0505"),
        ("os:system", ("o", "os.path", "osx", "posix"), "SGL0505"),
        ("sgl_safe:os.system", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:run", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:loads", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:__builtins__.eval", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:double.__globals__.get", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:double.__class__", ("sgl_safe",), "SGL0505"),
        ("sgl_safe:missing", ("sgl_safe",), "SGL0506"),
        ("sgl_safe2:double", ("sgl_safe",), "SGL0505"),
        ("builtins:eval", ("sgl_safe",), "SGL0505"),
    ],
)
def test_externs_reach_what_is_allowed_by_name_only(
    target: str, allowed: tuple[str, ...], code: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "sgl_safe.py").write_text(
        "import os\nfrom json import loads\nfrom subprocess import run\n"
        "def double(x):\n    return 2 * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = f"extern def e(x) from '{target}'\ndef f():\n    return e('1')\n"
    assert outcome(text, allow=allowed)[0] == code
    good = "extern def e(x) from 'sgl_safe:double'\ndef f():\n    return e(4)\n"
    assert run(good, allow=["sgl_safe"]).value == 8


def test_a_file_beside_the_script_does_not_stand_in_for_an_installed_module(
    tmp_path: Path,
) -> None:
    (tmp_path / "colorsys.py").write_text("def rgb_to_hls(*rgb):\n    return 'stolen'\n")
    (tmp_path / "a.sgl").write_text(
        "extern def hls(r, g, b) from 'colorsys:rgb_to_hls'\ndef f():\n    return hls(0, 0, 0)\n"
    )
    sys.modules.pop("colorsys", None)
    from sglc.backends.recording import RecordingBackend
    from sglc.programs.program import RunOptions

    program = load(str(tmp_path / "a.sgl"), allow_extern=["colorsys"])
    running = program.start({}, RunOptions(backend=RecordingBackend()))
    running.wait()
    assert running.value() != "stolen"
    sys.modules.pop("colorsys", None)


def test_a_run_that_can_come_to_a_forbidden_module_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "a.sgl"
    path.write_text(
        "extern def a(x) from 'tools_a:f'\nextern def b(x) from 'tools_b:f'\n"
        "extern def c(x) from 'tools_c:f'\n"
        "def main(deep: bool = false):\n    if deep:\n        helper()\n    return a(1)\n"
        "def helper():\n    return b(1)\ndef other():\n    return c(1)\n"
    )
    with pytest.raises(SglcError) as raised:
        load(str(path))
    assert [(d.code, str(d.span).rpartition("a.sgl:")[2]) for d in raised.value.diagnostics] == [
        ("SGL0505", "7:12"), ("SGL0505", "9:12"),
    ]  # fmt: skip
    load(str(path), allow_extern=["tools_a", "tools_b"])
    with pytest.raises(SglcError, match="tools_c"):
        load(f"{path}:other", allow_extern=["tools_a", "tools_b"])


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.sgl", "a/../../secret.sgl", "link.sgl", "//etc/passwd"]
)
def test_imports_stay_in_the_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret.sgl").write_text("def s():\n    'a'\n")
    folder = tmp_path / "project"
    (folder / "a").mkdir(parents=True)
    (folder / "link.sgl").symlink_to(tmp_path / "secret.sgl")
    main = folder / "main.sgl"
    main.write_text(f'import "{path}" as x\ndef main():\n    "a"\n')
    assert [d.code for d in check_script(main)] == ["SGL0216"]


def _dump(text: str) -> str:
    from sglc.frontends.script import compile_script
    from sglc.ir.printer import print_module

    return print_module(compile_script(text, file="x.sgl"))


def test_dumps_read_no_files_and_carry_no_patterns_past_the_checks(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    dump = _dump("def f():\n    'picture'\n    x = gen(stop_regex='a+b')\n    return x\n")
    (text_op,) = [line for line in dump.splitlines() if "lm.text" in line]
    image = re.sub(r"\{.*\}", f'{{path = "{secret}"}}', text_op.replace("lm.text", "lm.image"))
    assert image != text_op
    error = run(parse_module(dump.replace(text_op, image))).error
    assert error is not None
    assert error.code == "SGL0508"
    forged = dump.replace('"a+b"', r'"(a)\\1"')
    assert forged != dump
    error = run(parse_module(forged)).error
    assert error is not None
    assert error.message == "`stop_regex`: a back-reference cannot stop a generation"


def test_dumps_of_python_need_permission_for_their_module(tmp_path: Path) -> None:
    path = tmp_path / "a.sglir"
    path.write_text(_dump("def f():\n    'a'\n").replace('language = "sgl"', 'language = "python"'))
    with pytest.raises(SglcError):
        load(str(path))


# ---- ways to use everything up -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        ("while true:\n    pass", "iterations"),
        ("while true:\n    for i in range(4000):\n        x = i", "steps"),
        ("for i in range(10**12):\n    pass", "iterations"),
        ("x = [1 for a in range(9999) if any([1 for b in range(9999) if false])]", "steps"),
        ("return f()", "depth"),
        ("x = f() + f()\nreturn x", "depth"),
        ("fork 51:\n    gen()", "branches"),
        ("g()", "states"),
        ("while true:\n    gen()", "generations"),
        ("gen(n=101)", "generations"),
        ("x = 'a' * 10**9", "characters"),
        ("x = ('a' * 99999).replace('a', 'b' * 99999)", "characters"),
        ("x = u.center(10**12)", "characters"),
        ("x = ('b' * 9999).join(['a'] * 1000)", "characters"),
        ("x = json([[[[1] * 900]]] * 10, indent=16)", "characters"),
        ("x = list(range(10**12))", "items"),
        ("x = sum(range(10**12))", "items"),
        ("x = [1]\nfor i in range(99):\n    x = [x, x]\nreturn x", "items"),
        ("x = [1]\nfor i in range(99):\n    x = [x, x]\n'${x}'", "items"),
        ("x = [1]\nfor i in range(99):\n    x = [x, x]\nif x == x:\n    pass", "items"),
        ("x = parse_json('[' + '[],' * 60000 + '1]')", "memory"),
        ("x = 10 ** 10 ** 9", "bits"),
        ("x = 2\nwhile true:\n    x = x * x", "bits"),
        ("x = []\nwhile true:\n    x = x + [str(x) + 'a' * 99999]", "characters"),
        ("x = []\nfor i in range(99):\n    x = x + ['a' * 99999 + str(i)]", "memory"),
        ("x = [u + 'a' * 99999 for i in range(9999)]", "memory"),
        ("x = 'a' * 99999\nwhile true:\n    '${x}'", "prompt"),
        ("x = 'a' * 199999\nfor i in range(4999):\n    y = x.count('b')", "steps"),
        ("x = 'a' * 199999\nfor i in range(499):\n    y = x[1:]", "steps"),
    ],
)
def test_every_bound_ends_the_run_and_is_named(lines: str, limit: str) -> None:
    error = run(function(lines), limits=SMALL).error
    assert error is not None
    assert (error.code, error.helps) == (
        "SGL0504",
        (f"`--limit {limit}=NUMBER` sets another bound",),
    ), error.message
    assert error.span is not None


def test_every_bound_is_tried_above() -> None:
    table = test_every_bound_ends_the_run_and_is_named.pytestmark[0].args[1]
    assert {limit for _, limit in table} == set(NAMES)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("x = []\nfor i in range(2000):\n    x = [x]\nreturn x", "SGL0503"),
        ("x = []\nfor i in range(2000):\n    x = [x]\n'${x}'", "SGL0503"),
        ("x = {}\nfor i in range(2000):\n    x = {'a': x}\nreturn x", "SGL0503"),
        ("x = parse_json('[' * 100000)", "SGL0503"),
        ("x = int('9' * 100000)", "SGL0503"),
        ("x = " + "(" * 2000 + "1" + ")" * 2000, "SGL0114"),
        ("x = " + "not " * 2000 + "1", "SGL0114"),
        ("x = gen(regex='(a{999}){999}')", "SGL0232"),
        ("x = gen(regex=u + '{99999}')", "SGL0503"),
        ("x = gen(stop_regex='(a{99}){99}')", "SGL0232"),
        ("x = gen(json_schema='" + "[" * 5000 + "')", "SGL0232"),
        ("x = gen(max_tokens=10**100000)", "SGL0504"),
    ],
)
def test_bombs_are_refused(lines: str, code: str) -> None:
    assert outcome(function(lines))[0] == code


def test_constants_are_bounded_before_the_run() -> None:
    nest = "1"
    for _ in range(12):
        nest = f"[{nest} for i in [1, 2, 3, 4, 5, 6, 7, 8, 9]]"
    assert [d.code for d in check_script(f"def f(x={nest}):\n    '${{x}}'\n")] == ["SGL0218"]


def test_a_long_chain_of_elif_is_no_traceback() -> None:
    arms = "".join(f"    elif u == '{i}':\n        pass\n" for i in range(1500))
    found = check_script(function("if u:\n    pass") + arms)
    assert [d.code for d in found] == ["SGL0114"]


def test_long_lines_and_control_characters_are_text() -> None:
    assert run("def f():\n    '" + "a" * 100_000 + "'\n").text == "a" * 100_000
    assert run("def f():\n    'a\0b'\n").text == "a\0b"


def test_memory_of_the_process_is_bounded(tmp_path: Path) -> None:
    """With the default bounds, in a process that may not have more than 4 GB."""
    script = tmp_path / "a.sgl"
    script.write_text(
        "def main():\n    xs = []\n    for i in range(100000):\n"
        "        xs = xs + ['a' * 9000000 + str(i)]\n    return 1\n"
    )
    code = (
        "import sys\nfrom sglc.backends.recording import RecordingBackend\n"
        "from sglc.programs.program import RunOptions, load\n"
        "program = load(sys.argv[1])\n"
        "try:\n    program.run(RunOptions(backend=RecordingBackend()))\n"
        "except Exception as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )
    assert "error[SGL0504]: the program's values take more than 1000000000 bytes" in done.stdout, (
        done.stderr
    )
