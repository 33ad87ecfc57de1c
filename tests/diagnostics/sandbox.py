"""Runs the examples of pages, and says which codes they get."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sglc.diagnostics.core import SglcError
from sglc.diagnostics.page import Page, example
from sglc.frontends.script import check_script, compile_script, entry_function
from sglc.global_config import global_config
from sglc.ir.parser import parse_module
from sglc.ir.verifier import verify
from sglc.language.function import set_default_backend
from sglc.passes.pipeline import DEFAULT
from tests.cli.programs import ROOT, invoke

CODE = re.compile(r"\[(SGL0\d{3})\]|\"code\": \"(SGL0\d{3})\"")
FILES = {
    "program.sgl": 'def main():\n    "a"\n    x = gen()\n    return x\n',
    "chat.sgl": "def main(topic: str, turns: int = 2):\n    '${topic}${turns}'\n",
    "raises.py": "import sglc as sgl\n@sgl.function\ndef p(s):\n    raise KeyError('b')\n",
    "typed.py": "import sglc as sgl\n@sgl.function\ndef p(s, times: int = 1):\n    s += 'a'\n",
    "helper.py": "def add_question(s, q):\n    s += q\ndef look_up(word):\n    return word\n",
    "picture.sgl": "def main():\n    user:\n        image('notes.txt')\n        'What is this?'\n",
    "notes.txt": "no program\n",
    "rows.txt": '{"question": "Who?"}\nno json\n',
    "broken_tools.py": "def fail(x):\n    raise KeyError(x)\ndef search(x):\n    return x\n",
    "answering.py": (
        "from sglc.backends.recording import RecordingBackend\n"
        "def backend():\n    return RecordingBackend(rules={'.': '1'})\n"
        "def broken():\n    return RecordingBackend(failures={'.': ConnectionError('no server')})\n"
    ),
}
RUN = ("SGL0155", "SGL0304", "SGL0401", "SGL0405")
"""Codes whose Python examples are run as they are."""
PYTHON = "import sglc as sgl\nimport helper\n\n"


@contextmanager
def sandbox(folder: Path) -> Iterator[None]:
    """Work in a folder with the examples and what the pages' commands name."""
    for path in (ROOT / "examples").iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin1.sgl").write_bytes(b'def main():\n    "\xe9"\n')
    before, paths = os.getcwd(), list(sys.path)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = paths
        for name in (*(Path(file).stem for file in FILES), "a", "tools"):
            sys.modules.pop(name, None)


def codes(page: Page, text: str, *, broken: bool) -> list[str]:
    """The codes that an example of a page gets, in order, each once."""
    source = example(text)
    match page.language:
        case "sglir":
            return _raised(lambda: verify(parse_module(source, "a.sglir")))
        case "python":
            Path("a.py").write_text(PYTHON + source, encoding="utf-8")
            if page.code == "SGL0301":
                return _compiled()
            if page.code in RUN:
                return _executed()
            if page.code >= "SGL036":
                return _printed("explain", "--output-format", "json", "a.py")
            return _printed("check", "--json", "a.py")
        case "sh":
            done = (_command(shlex.split(line)) for line in source.splitlines())
            return [code for found in done for code in found]
    if page.code < "SGL03":
        found = [d.code for d in check_script(source, file="a.sgl", folder=Path.cwd())]
        if page.code == "SGL0221":
            found = _raised(lambda: entry_function(compile_script(source)))
        if page.code != "SGL0233":
            return found
    Path("a.sgl").write_text(source, encoding="utf-8")
    if page.code < "SGL03":
        return _printed("check", "--json", "a.sgl")
    if page.code < "SGL037":
        return [remark.code for remark in DEFAULT.run(compile_script(source))]
    if page.code < "SGL04":
        return _printed("explain", "--output-format", "json", "a.sgl")
    backend = "broken" if broken and page.code == "SGL0501" else "backend"
    more = ["--limit", "iterations=9", "--limit", "steps=99", "--allow-extern", "broken_tools"]
    values = [f"-p{each}" for each in ("topic=a", "text=a") if f"main({each[:-2]}:" in source]
    return _printed("run", "a.sgl", *values, *more, "--backend", f"answering:{backend}")


def _compiled() -> list[str]:
    """What compiling the function of a module that was imported says."""
    module = importlib.import_module("a")
    return [remark.code for remark in module.ask._program.compiled().remarks]


def _executed() -> list[str]:
    """What running a module raises, and what compiling its function has said by then."""
    backend = importlib.import_module("answering").backend()
    before = global_config.default_backend
    set_default_backend(backend)
    try:
        found = _raised(lambda: importlib.import_module("a"))
    finally:
        set_default_backend(before)
    return found or (_compiled() if hasattr(sys.modules.get("a"), "ask") else [])


def _raised(action: object) -> list[str]:
    assert callable(action)
    try:
        action()
    except SglcError as error:
        return [d.code for d in error.diagnostics]
    return []


def _command(words: list[str]) -> list[str]:
    assert words.pop(0) == "sglc"
    if words[0] == "run" and "--model" not in words:
        words += ["--backend", "answering:backend"]
    done = invoke(*words)
    # A page that is printed on purpose names its code, and others.
    return [] if words[0] == "explain" and done.exit_code == 0 else _found(done)


def _printed(*words: str) -> list[str]:
    return _found(invoke(*words))


def _found(done: object) -> list[str]:
    text = str(getattr(done, "stdout", "")) + str(getattr(done, "stderr", ""))
    return list(dict.fromkeys(a or b for a, b in CODE.findall(text)))
