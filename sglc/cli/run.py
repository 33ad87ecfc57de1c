"""`sglc run`: run a program once, or once for each row of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sglc.cli import options, pipelines
from sglc.cli.guard import guarded, usage
from sglc.programs.target import parse_target

EXAMPLES = options.examples(
    "sglc run examples/tip_suggestion.sgl",
    'sglc run examples/text_qa.sgl -p question="What is the capital of Japan?"',
    "sglc run examples/control_flow.py:control_flow -p question=... --temperature 0 --stream",
    "sglc run examples/text_qa.sgl -i examples/text_qa.jsonl -o answers.jsonl",
    "sglc run examples/agent.sgl --allow-extern tools --json",
)
SAMPLING = "Sampling, where the program does not say"
TRUST = "What the program may reach"


@guarded
def run(
    file: options.Target,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--param",
            metavar="NAME=VALUE",
            help="An argument, converted by the parameter's annotation; lists and records are "
            "JSON. May be repeated.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A checkpoint folder in Hugging Face format; the default is the embedded model.",
            show_default=False,
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="`local`; `http://HOST:PORT`, a server with SGLang's interface; `openai:MODEL`; "
            "or `MODULE:NAME`, a backend in Python (an object, or what makes one).",
            show_default=False,
        ),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print text token by token, not piece by piece.")
    ] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Print tokens, cache hits and times to stderr.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all sampling; drawn at random otherwise.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one object: text, messages, variables, return_value, usage, seed.",
        ),
    ] = False,
    rows: Annotated[
        str | None,
        typer.Option(
            "-i",
            "--input",
            metavar="ROWS.jsonl",
            help="Run once for each line, a JSON object of arguments; `-` is stdin.",
            rich_help_panel="Batches",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.jsonl",
            help="One object a row as with --json, in input order, errors included; `-`, the "
            "default, is stdout.",
            rich_help_panel="Batches",
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, help="0 is greedy.", rich_help_panel=SAMPLING)
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens of one `gen`.", rich_help_panel=SAMPLING)
    ] = None,
    top_p: Annotated[float | None, typer.Option(min=0, max=1, rich_help_panel=SAMPLING)] = None,
    top_k: Annotated[int | None, typer.Option(min=-1, rich_help_panel=SAMPLING)] = None,
    min_p: Annotated[float | None, typer.Option(min=0, max=1, rich_help_panel=SAMPLING)] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="A stop string; may be repeated.", rich_help_panel=SAMPLING),
    ] = None,
    passes: options.Passes = None,
    no_pass: options.NoPass = None,
    eager: Annotated[
        bool,
        typer.Option(
            "--eager",
            help="Run the reference interpreter: nothing deferred, hoisted or made parallel.",
            rich_help_panel="Optimisation",
        ),
    ] = False,
    allow_extern: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let a script call functions of this Python module; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None,
    allow_files: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Let a script read images and videos in this folder; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            metavar="NAME=NUMBER",
            help="Another bound on what a script may do, such as steps=1000; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None,
    allow_module: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let a .sglir of a Python program import this module; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None,
) -> None:
    """
    Run a program and print its conversation as it grows, then its return value.

    Results go to stdout, everything else to stderr. Exit codes: 0 ok, 1 the program failed, 2
    wrong usage, 3 a bug in sglc.
    """
    from sglc.cli import backends, batch, single
    from sglc.execution.limits import Limits

    if rows is None and output is not None:
        raise usage("`-o` needs `-i ROWS.jsonl`", "for one run, redirect: `--json > out.json`")
    if rows is not None and (param or stream):
        what = "-p" if param else "--stream"
        raise usage(f"`{what}` cannot be combined with `-i`", "put arguments into the rows")
    sampling = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "top_p": top_p,
        "top_k": top_k,
        "min_p": min_p,
        "stop": tuple(stop) if stop else None,
    }
    limits = Limits().changed(limit or ())
    pipeline = pipelines.choose(passes, no_pass)
    target = parse_target(file)
    chosen = backends.choose(None if model is None else str(model), backend, target)
    with backends.starting(chosen, target):
        from sglc.programs.program import RunOptions, load

        program = load(
            file,
            allow_extern=allow_extern or (),
            allow_module=allow_module or (),
            allow_files=allow_files or (),
        )
    how = RunOptions(
        backend=chosen,
        seed=seed,
        sampling={name: value for name, value in sampling.items() if value is not None},
        pipeline=pipeline,
        eager=eager,
        limits=limits,
        stream=rows is None and not as_json,
    )
    if rows is None:
        single.run(program, param or [], how, as_json=as_json, tokens=stream, stats=stats)
    else:
        batch.run(program, rows, output or "-", how, stats=stats)
