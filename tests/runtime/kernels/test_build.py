"""Compiling kernels on first use: cached, safe between processes, clear without a compiler."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sglc_runtime.kernels.build import CompilerUnavailable, compile_library, find_compiler

SOURCE = "int answer(void) { return %d; }\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    try:
        find_compiler()
    except CompilerUnavailable as error:
        pytest.skip(str(error))
    monkeypatch.setenv("SGLC_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "answer.c"
    path.write_text(SOURCE % 42)
    return path


def test_compiled_once_per_source(source: Path) -> None:
    first = compile_library(source.parent)
    assert ctypes.CDLL(str(first)).answer() == 42
    stamp = first.stat().st_mtime_ns
    assert compile_library(source.parent) == first
    assert first.stat().st_mtime_ns == stamp
    source.write_text(SOURCE % 43)
    second = compile_library(source.parent)
    assert second != first
    assert ctypes.CDLL(str(second)).answer() == 43


def test_compiled_anew_when_a_header_beside_it_changes(source: Path) -> None:
    header = source.with_name("number.h")
    header.write_text("#define NUMBER 1\n")
    source.write_text('#include "number.h"\nint answer(void) { return NUMBER; }\n')
    first = compile_library(source.parent)
    header.write_text("#define NUMBER 2\n")
    second = compile_library(source.parent)
    assert second != first
    assert ctypes.CDLL(str(second)).answer() == 2


def test_all_sources_of_the_folder_make_one_library(source: Path) -> None:
    source.with_name("other.c").write_text(
        "int answer(void); int twice(void) { return 2 * answer(); }"
    )
    assert ctypes.CDLL(str(compile_library(source.parent))).twice() == 84


def test_concurrent_builds_leave_one_whole_library(source: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(lambda _: compile_library(source.parent), range(6)))
    assert len(made) == 1
    (library,) = made
    assert ctypes.CDLL(str(library)).answer() == 42
    assert os.listdir(library.parent) == [library.name]


def test_without_a_compiler(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(source.parent))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(CompilerUnavailable, match="no C compiler"):
        compile_library(source.parent)


def test_errors_of_the_compiler_are_shown(source: Path) -> None:
    source.write_text("int answer(void) { return nonesuch; }\n")
    with pytest.raises(CompilerUnavailable, match="nonesuch"):
        compile_library(source.parent)
    assert not list((source.parent / "cache").iterdir())


def test_cache_that_cannot_be_written(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = source.parent / "file"
    blocked.write_text("")
    monkeypatch.setenv("SGLC_CACHE", str(blocked))
    with pytest.raises(CompilerUnavailable, match="cannot write"):
        compile_library(source.parent)
