"""
Fuzz the reading and checking of scripts: any text gives diagnostics with places, soon.

    pip install atheris
    python tests/fuzzing/fuzz_script_parser.py [--runs N] [--seconds S] [--seed K] [--plain]

Starts from the scripts of the tests, the examples and the documentation, whole and one definition
at a time. Half of the mutations are libFuzzer's, on bytes and guided by coverage, the others put
tokens in and take pieces out. `--plain` does without atheris: only the second kind, unguided.
A counterexample is written to `crash-...` in the working directory and ends the run.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "grammar"), str(ROOT / "runtime")]
_WORDS = r"""
( ) [ ] { } : , = == " ' \"\"\" ''' ${ } $ \ # -> ? | += ** . r 1 0x 1e9 _ é “ if else: elif
for in while fork try: except finally: raise return break gen( select( def fragment schema extern
import use
user assistant: none true not x as lambda image( json=
"""
_BLANKS = ("\n", "\n    ", "\n        ", "\n\n", " ", "\t", "\x00", "\r\n", "\ufeff", "\u2028")
TOKENS = (*_WORDS.replace('\\"', '"').split(), *_BLANKS)
SLOW = 2.0
"""Seconds that no small input may take."""


def seeds() -> list[str]:
    """Scripts to start from."""
    files = [*(ROOT / "tests").rglob("*.sgl"), *(ROOT / "examples").rglob("*.sgl")]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files)]
    page = (ROOT / "docs" / "sgl.md").read_text(encoding="utf-8")
    texts += re.findall(r"^```sgl.*?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    parts = [part for text in texts for part in re.split(r"\n(?=\w)", text) if len(part) < 600]
    return texts + parts


def damage(text: str, rng: random.Random) -> str:
    """The text with a few pieces put in, taken out, doubled or moved."""
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        at, size = rng.randrange(len(text) + 1), rng.choice([1, 1, 2, 5, 20])
        match rng.randrange(5):
            case 0:
                text = text[:at] + text[at + size :]
            case 1 | 2:
                text = text[:at] + rng.choice(TOKENS) * rng.choice([1, 1, 1, 2, 40]) + text[at:]
            case 3:
                text = text[:at] + text[at : at + size] * rng.choice([2, 2, 9]) + text[at:]
            case _:
                lines = text.split("\n")
                i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[i], lines[j] = lines[j], lines[i]
                text = "\n".join(lines)
    return text[:4000]


def check(data: bytes) -> None:
    """Read and check a script; anything but diagnostics inside the text is a finding."""
    from sglc.diagnostics.core import SglcError
    from sglc.diagnostics.render import render
    from sglc.frontends.script import check_script, compile_script

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    started = time.process_time()
    found = check_script(text, file="x.sgl")
    lines = re.split(r"\r\n|\r|\n", text)
    for diagnostic in found:
        span = diagnostic.span
        assert span is not None, diagnostic
        assert 1 <= span.line <= len(lines), diagnostic
        assert 1 <= span.column <= len(lines[span.line - 1]) + 2, diagnostic
    if found:
        render(found, sources={"x.sgl": text})
    if not any(d.severity == "error" for d in found):
        try:
            compile_script(text, file="x.sgl")
        except SglcError as error:
            raise AssertionError(f"checked, and yet not compiled: {error}") from error
    took = time.process_time() - started
    assert took < SLOW, f"{took:.1f} s for {len(text)} characters"


def plain(runs: int, seconds: float, seed: int) -> None:
    """Mutations without coverage."""
    rng = random.Random(seed)
    texts = seeds()
    end = time.monotonic() + seconds
    done = 0
    while done < runs and time.monotonic() < end:
        text = damage(rng.choice(texts), rng)
        data = text.encode("utf-8", "surrogatepass")
        try:
            check(data)
        except BaseException:
            Path(f"crash-{seed}-{done}").write_bytes(data)
            raise
        done += 1
    print(f"{done} inputs, no finding")


def guided(runs: int, seconds: int, seed: int) -> None:
    """Mutations by coverage."""
    import atheris  # type: ignore[import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["sglc.frontends.script", "sglc.expressions"]):
        import sglc.frontends.script  # noqa: F401

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        if number % 2:
            return bytes(atheris.Mutate(data, max_size))
        text = damage(data.decode("utf-8", "replace"), random.Random(number))
        return text.encode()[:max_size]

    with tempfile.TemporaryDirectory() as corpus:
        for number, text in enumerate(seeds()):
            (Path(corpus) / str(number)).write_text(text, encoding="utf-8")
        options = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=1500",
                   "-timeout=20", "-print_final_stats=1", corpus]  # fmt: skip
        atheris.Setup([sys.argv[0], *options], check, custom_mutator=mutate)
        atheris.Fuzz()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    run = plain if options.plain else guided
    run(options.runs, options.seconds, options.seed)


if __name__ == "__main__":
    main()
