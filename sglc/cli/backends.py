"""`--model` and `--backend` to the backend object that answers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sglc.cli.guard import usage
from sglc.programs.target import Target


def choose(
    model: str | None, spec: str | None, target: Target, engine: dict[str, Any] | None = None
) -> Any:
    """
    The backend that the command line names, or None when it names none.

    `local` is our runtime, on the embedded model or on `model`; a URL is a server with SGLang's
    HTTP interface; `openai:MODEL` is a model behind OpenAI's. `MODULE:NAME` is looked up beside the
    program, in the current folder and on the path; a class or function is called to make it.
    `engine` has options of our own engine. Raises UsageError.
    """
    if spec is None and model is None and not engine:
        return None
    if spec is None or spec == "local":
        return _local(model, engine or {})
    if engine:
        option = next(iter(engine)).removesuffix("_path").replace("_", "-")
        raise usage(f"`--{option}` and this `--backend` exclude each other")
    if model is not None:
        raise usage("`--model` and this `--backend` exclude each other", "use `--backend local`")
    if spec.startswith(("http://", "https://")):
        return _server(spec)
    module_name, colon, name = spec.partition(":")
    if module_name == "openai" and name:
        from sglc.backends.openai import OpenAI

        return OpenAI(name)
    if not colon or not name or "/" in spec:
        raise usage(
            f"`{spec}` is not a backend",
            "write `local`, `http://HOST:PORT`, `openai:MODEL` or `MODULE:NAME`",
        )
    return _named(module_name, name, target)


@contextmanager
def starting(chosen: Any, target: Target) -> Iterator[None]:
    """
    Start our engine, if it is the one that will answer, while the program is read.

    A Python program may choose a backend of its own, so only scripts start the default engine.
    """
    if chosen is None and target.kind != "py":
        from sglc.backends.local import default_backend

        chosen = default_backend()
    if not hasattr(chosen, "abandon"):
        yield
        return
    chosen.start()
    try:
        yield
    except BaseException:
        chosen.abandon()
        raise


def recommended_sampling(chosen: Any) -> dict[str, Any]:
    """
    What the generation_config.json of our engine's model recommends, as parameters of a program.

    Waits for the model. Nothing for an engine that cannot start: the run reports that. A program
    has no repetition penalty. Raises UsageError for other backends.
    """
    from sglc.backends.local import LocalBackend, default_backend

    backend = default_backend() if chosen is None else chosen
    if not isinstance(backend, LocalBackend):
        raise usage(
            "`--sampling-defaults model` and this `--backend` exclude each other",
            "use `--backend local`",
        )
    try:
        found = backend.get_server_info()["sampling_defaults"]
    except Exception:  # of any kind: the run meets it again, and says it as its own failure
        return {}
    return {name: value for name, value in found.items() if name != "repetition_penalty"}


def _local(model: str | None, engine: dict[str, Any]) -> Any:
    problem = None if model is None else _problem(Path(model).expanduser())
    if problem is not None:
        raise usage(
            f"cannot load a model from `{model}`: {problem}",
            "`--model` takes a checkpoint folder in Hugging Face format, with `config.json`",
            code="SGL0609",
        )
    from sglc.backends.local import LocalBackend

    return LocalBackend(model, **engine)


def _server(url: str) -> Any:
    from sglc.backends.runtime_endpoint import RuntimeEndpoint

    try:
        return RuntimeEndpoint(url)
    except Exception as error:
        raise usage(f"cannot use the server at `{url}`: {error}") from None


def _problem(folder: Path) -> str | None:
    """What is wrong with a checkpoint folder at first sight."""
    if not folder.is_dir():
        return "it is not a folder" if folder.exists() else "no such folder"
    return None if (folder / "config.json").is_file() else "it has no `config.json`"


def _named(module_name: str, name: str, target: Target) -> Any:
    from sglc.programs.python import import_file, search

    search(Path.cwd())
    search(target.path.resolve().parent)
    try:
        if target.kind == "py" and target.path.stem == module_name:
            module = import_file(target.path)
        else:
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise usage(f"cannot import `{module_name}`: {error}") from None
    found = getattr(module, name, None)
    if found is None:
        raise usage(f"module `{module_name}` has no `{name}`")
    return found() if isinstance(found, type) or not _is_backend(found) else found


def _is_backend(value: Any) -> bool:
    return any(hasattr(value, name) for name in ("generate", "endpoint", "submit"))
