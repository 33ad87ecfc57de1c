"""`sglc run`: run a program once, or once for each row of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sglc.cli import options, pipelines
from sglc.cli.engine_options import EngineOptions
from sglc.cli.groups import grouped
from sglc.cli.guard import guarded
from sglc.cli.run_options import (
    Answering,
    Batches,
    Optimising,
    Printing,
    Sampling,
    SamplingDefaults,
    Trust,
)
from sglc.programs.target import parse_target

if TYPE_CHECKING:
    from sglc.programs.program import Program

EXAMPLES = options.examples(
    "sglc run examples/tip_suggestion.sgl",
    'sglc run examples/text_qa.sgl -p question="What is the capital of Japan?"',
    "sglc run examples/control_flow.py:control_flow -p question=... --temperature 0 --stream",
    "sglc run examples/text_qa.sgl -i examples/text_qa.jsonl -o answers.jsonl",
    "sglc run examples/agent.sgl --allow-extern tools --json",
)
Params = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="NAME=VALUE",
        help="An argument, converted by the parameter's annotation; lists and records are JSON. "
        "May be repeated.",
        show_default=False,
    ),
]


@guarded
@grouped
def run(
    file: options.Target,
    answering: Answering,
    printing: Printing,
    batches: Batches,
    sampling: Sampling,
    optimising: Optimising,
    engine: EngineOptions,
    trust: Trust,
    param: Params = None,
) -> None:
    """
    Run a program and print its conversation as it grows, then its return value.

    Results go to stdout, everything else to stderr. Exit codes: 0 ok, 1 the program failed, 2
    wrong usage, 3 a bug in sglc.
    """
    from sglc.cli import backends

    batches.check(param or [], printing)
    target = parse_target(file)
    model = None if answering.model is None else str(answering.model)
    options_of_engine = {**answering.engine, **engine.given}
    backend = backends.choose(model, answering.backend, target, options_of_engine)
    with backends.starting(backend, target):
        # The engine loads while all this is imported and the program is read.
        from sglc.cli import batch, single
        from sglc.execution.limits import Limits
        from sglc.programs.program import RunOptions

        limits = Limits().changed(trust.limit or ())
        pipeline = pipelines.choose(optimising.passes, optimising.no_pass)
        program = _loaded(file, trust)
    of_model = sampling.sampling_defaults is SamplingDefaults.MODEL
    recommended = backends.recommended_sampling(backend) if of_model else {}
    how = RunOptions(
        backend=backend,
        seed=answering.seed,
        sampling={**recommended, **sampling.given},
        pipeline=pipeline,
        eager=optimising.eager,
        limits=limits,
        stream=batches.rows is None and not printing.as_json,
    )
    if batches.rows is None:
        as_json, tokens, stats = printing.as_json, printing.stream, printing.stats
        single.run(program, param or [], how, as_json=as_json, tokens=tokens, stats=stats)
    else:
        batch.run(program, batches.rows, batches.output or "-", how, stats=printing.stats)


def _loaded(file: str, trust: Trust) -> Program:
    from sglc.programs.program import load

    return load(
        file,
        allow_extern=trust.allow_extern or (),
        allow_module=trust.allow_module or (),
        allow_files=trust.allow_files or (),
    )
