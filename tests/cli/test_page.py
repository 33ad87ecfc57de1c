"""`sglc compile --emit html`: one safe, self-contained page that links source, IR and graph."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.cli.page import document
from sglc.cli.page.markup import Markup, element
from tests.cli.programs import ROOT, invoke

EXAMPLES = sorted(p for p in (ROOT / "examples").iterdir() if p.suffix in (".sgl", ".py"))
VOID = {"meta"}
KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "header", "h1", "h3", "span", "section"),
    *("div", "nav", "button", "pre", "ul", "li", "code", "p", "figure", "figcaption", "svg", "g"),
    *("rect", "text", "path", "script"),
}


@dataclass
class Element:
    """An element that was read back."""

    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, name: str = "") -> list[Element]:
        inner = [c for c in self.children if isinstance(c, Element)]
        own = [self] if name in ("", self.name) else []
        return own + [e for c in inner for e in c.all(name)]

    def one(self, id_: str) -> Element:
        (found,) = [e for e in self.all() if e.attributes.get("id") == id_]
        return found


class Reader(HTMLParser):
    """Reads a page; every element must be closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        made = Element(tag, dict(attrs))
        self.stack[-1].children.append(made)
        if tag not in VOID:
            self.stack.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def read(html: str) -> Element:
    reader = Reader()
    reader.feed(html)
    reader.close()
    (root,) = reader.stack
    return root


def page(target: str, *options: str) -> Element:
    done = invoke("compile", target, "--emit", "html", *options)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    return read(done.stdout)


def check_safe(root: Element) -> None:
    """Nothing is loaded, nothing is run but our own script, which the policy names by its hash."""
    elements = root.all()[1:]
    assert {e.name for e in elements} <= KNOWN
    for one in elements:
        for name in one.attributes:
            assert not name.startswith("on")
            assert name not in ("src", "href", "style", "srcset", "action", "xlink:href")
    (script,) = root.all("script")
    (style,) = root.all("style")
    policy = next(e.attributes["content"] for e in root.all("meta") if "http-equiv" in e.attributes)
    for text, kind in ((script.text, "script"), (style.text, "style")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in str(policy)
    assert str(policy).startswith("default-src 'none'")
    assert "url(" not in style.text
    assert "@import" not in style.text


def shown_source(root: Element) -> str:
    return "\n".join(line.text for line in root.one("source").children)  # type: ignore[union-attr]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_show_their_source_and_load_nothing(path: Path) -> None:
    root = page(str(path))
    check_safe(root)
    assert shown_source(root) == path.read_text("utf-8")
    names = [button.text for button in root.all("button")]
    assert names[:5] == ["fork-parallel", "prefix-hoist", "promote", "lower", "parse"]
    assert names[5] == "graph"
    assert names[6].startswith("findings (")


HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;<!--]]>"


@pytest.mark.parametrize("kind", ["sgl", "py"])
def test_hostile_text_stays_text(kind: str, tmp_path: Path) -> None:
    evil = HOSTILE.replace('"', "").replace("'", "")
    if kind == "sgl":
        text = "\n".join(
            [
                f"# {HOSTILE}",
                'extern def f(x: str) -> str from "a:b"\n\n',
                f'def main(x: str = "{evil}"):',
                f'    "{evil} ${{x}}"',
                f'    y = gen(stop="{evil}")',
                "    z = f(y)",
                f'    if z == "{evil}":',
                f'        user "{evil}"\n',
            ]
        )
    else:
        text = (
            f"# {HOSTILE}\nimport sglc as sgl\n\n\n@sgl.function\ndef main(s, x):\n"
            f'    """{evil}"""\n    s += "{evil}" + sgl.gen("{evil}", stop="{evil}")\n'
            f'    run(s["{evil}"], "{evil}")\n    s.fork(2)\n'
        )
    path = tmp_path / f"<img src=x onerror=alert(1)> &amp; '\".{kind}"
    path.write_text(text, encoding="utf-8")
    root = page(str(path))
    check_safe(root)
    assert shown_source(root) == text
    assert root.all("h1")[0].text == str(path)
    assert "alert(1)" not in root.all("script")[0].text


def test_characters_that_html_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    text = 's += "a\\ud800\\0 é 😀 \x1b\x07" + sgl.gen("\\ud801")'
    program = f"import sglc as sgl\n\n\n@sgl.function\ndef main(s):\n    {text}\n"
    path.write_text(program, encoding="utf-8")
    done = invoke("compile", str(path), "--emit", "html", "-o", str(tmp_path / "a.html"))
    assert done.exit_code == 0, done.output
    check_safe(read((tmp_path / "a.html").read_text("utf-8")))


@given(st.text(), st.text())
def test_whatever_text_is_put_in_comes_out(text: str, value: str) -> None:
    made = element("p", text, element("b", value), data_x=value)
    root = read(made)
    (p,) = root.all("p")
    assert p.children[:-1] == ([shown(text)] if text else [])
    assert p.all("b")[0].text == shown(value)
    assert p.attributes == {"data-x": shown(value)}


def shown(text: str) -> str:
    kept = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    # The reader normalises line ends, as browsers do.
    return kept


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", Markup("<b>&amp;</b>"), "<") == "<p><b>&amp;</b>&lt;</p>"


def test_source_ir_and_graph_are_linked_by_place() -> None:
    root = page(str(ROOT / "examples" / "agent.py"))
    lines = (ROOT / "examples" / "agent.py").read_text("utf-8").split("\n")
    place = "14:25-14:73"
    parts = [e for e in root.one("source").all("span") if has(e, place)]
    assert "".join(e.text for e in parts) == lines[13][24:72]
    assert parts[0].attributes["data-at"].split()[0] == place  # type: ignore[union-attr]
    panels = {b.text: root.one(str(b.attributes["data-tab"])) for b in root.all("button")}
    (line,) = [e for e in panels["lower"].all("div") if e.attributes.get("data-at") == place]
    assert "lm.select(" in line.text
    (node,) = [e for e in panels["graph"].all("g") if e.attributes.get("data-at") == place]
    assert "lm.select tool" in node.text
    everywhere = {at for e in root.one("source").all("span") for at in ats(e)}
    for name in ("lower", "promote", "graph"):
        assert {at for e in panels[name].all() for at in ats(e)} <= everywhere
    opener = next(e for e in panels["lower"].all("div") if "cf.for" in e.text and ats(e))
    assert ats(opener) == ["12:5-26:53"]


def ats(one: Element) -> list[str]:
    return str(one.attributes.get("data-at") or "").split()


def has(one: Element, place: str) -> bool:
    return place in ats(one)


def test_places_of_imported_functions_are_not_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "lib.sgl").write_text(
        'def ask(q):\n    "Q"\n    a = gen()\n    return a\n', "utf-8"
    )
    path = tmp_path / "main.sgl"
    path.write_text('import "lib.sgl"\n\n\ndef main():\n    "M"\n    lib.ask("x")\n', "utf-8")
    root = page(str(path))
    everywhere = {at for e in root.one("source").all("span") for at in ats(e)}
    linked = {at for n in range(6) for e in root.one(f"tab-{n}").all() for at in ats(e)}
    assert linked
    assert linked <= everywhere
    (gen,) = [
        e for e in root.one("tab-3").all("div") if "lm.gen(" in e.text and not e.all("div")[1:]
    ]
    assert ats(gen) == []


def test_passes_show_before_and_after_with_what_changed() -> None:
    root = page(str(ROOT / "examples" / "judge.sgl"), "--passes", "promote,promote")
    second, first, *_ = [root.one(f"tab-{n}") for n in range(4)]
    assert [h.text for h in first.all("h3")] == ["before", "after"]
    before, after = first.all("pre")
    old = [e.text for e in before.all("div") if "changed" in str(e.attributes["class"])]
    new = [e.text for e in after.all("div") if "changed" in str(e.attributes["class"])]
    assert any(": handle = lm.new()" in line for line in old)
    assert any(": state = lm.new()" in line for line in new)
    assert not [e for e in second.all("div") if "changed" in str(e.attributes.get("class"))]
    assert "same" in str(root.all("button")[0].attributes["class"])


def test_findings_are_listed_with_their_place(tmp_path: Path) -> None:
    root = page(str(ROOT / "examples" / "agent.py"))
    items = root.all("li")
    assert f"findings ({len(items)})" == root.all("button")[-1].text
    wait = next(e for e in items if "waits for gen expr" in e.text)
    assert ats(wait) == ["17:27-17:42"]
    assert wait.text.startswith("SGL037117:27 ")


def test_a_dump_shows_the_source_it_was_made_from_while_that_is_unchanged(tmp_path: Path) -> None:
    path, dump = tmp_path / "a.sgl", tmp_path / "a.sglir"
    text = 'def f():\n    "a"\n    x = gen()\n'
    path.write_text(text, encoding="utf-8")
    assert invoke("compile", str(path), "--to", "lower", "-o", str(dump)).exit_code == 0
    assert shown_source(page(str(dump), "--from", "lower")) == text
    path.write_text(text + "\n", encoding="utf-8")
    assert "has changed" in shown_source(page(str(dump)))
    path.unlink()
    assert "is not here" in shown_source(page(str(dump)))


@pytest.mark.skipif(which("node") is None, reason="needs node to read the script")
def test_the_script_is_javascript(tmp_path: Path) -> None:
    script = tmp_path / "page.js"
    script.write_text(document._own("page.js"), encoding="utf-8")
    assert subprocess.run(["node", "--check", str(script)], check=False).returncode == 0
    assert not re.search(r"innerHTML|eval|fetch|XMLHttp|import", script.read_text("utf-8"))
