"""Compile the C kernels with the system's compiler, once per sources, flags and machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FLAGS = ("-std=gnu11", "-O3", "-march=native", "-ffp-contract=off", "-fPIC", "-pthread", "-w")


class CompilerUnavailable(Exception):
    """No C compiler, or it cannot build our sources; the message says which."""


def cache_folder() -> Path:
    """$SGLC_CACHE, else sglc below the user's cache folder."""
    if override := os.environ.get("SGLC_CACHE"):
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sglc"


def find_compiler() -> str:
    """Path of $CC, cc, gcc or clang; raises `CompilerUnavailable` when there is none."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name)):
            return found
    raise CompilerUnavailable("no C compiler found (looked for $CC, cc, gcc, clang)")


def _cpu() -> str:
    """What `-march=native` depends on; a cache folder may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerUnavailable(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise CompilerUnavailable(f"{' '.join(command)} failed:\n{done.stderr.strip()[:2000]}")
    return done.stdout


def compile_library(folder: Path) -> Path:
    """
    Compile all C files of `folder` into one shared library in the cache and return its path.

    The file name holds a hash of the sources and headers, flags, compiler version and CPU.
    Concurrent calls, also from several processes, each compile into a folder of their own and
    rename the library into place. Raises `CompilerUnavailable`.
    """
    compiler = find_compiler()
    sources = sorted(folder.glob("*.c"))
    files = [*sources, *sorted(folder.glob("*.h"))]
    text = b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files)
    key = "\0".join([" ".join(FLAGS), _run([compiler, "--version"]), _cpu(), platform.machine()])
    digest = hashlib.sha256(text + key.encode()).hexdigest()[:24]
    target = cache_folder() / f"{folder.name}-{digest}.so"
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    except OSError as error:
        raise CompilerUnavailable(f"cannot write to {target.parent}: {error}") from error
    try:
        _compile(compiler, sources, made / target.name)
        os.replace(made / target.name, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _compile(compiler: str, sources: list[Path], target: Path) -> None:
    """One process of the compiler for each source, side by side, then the linker."""
    objects = [target.with_name(f"{source.stem}.o") for source in sources]
    commands = [
        [compiler, *FLAGS, "-c", str(source), "-o", str(made)]
        for source, made in zip(sources, objects, strict=True)
    ]
    with ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(_run, commands))
    _run([compiler, *FLAGS, "-shared", *map(str, objects), "-o", str(target), "-lm"])
