"""The table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sglc.cli import (
    bench,
    check,
    compile,
    explain,
    fmt,
    lsp,
    phase_options,
    run,
    version,
)

app = typer.Typer(
    name="sglc",
    help="Compile and run language-model programs.",
    epilog="Start with: sglc run examples/tip_suggestion.sgl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=version.show,
            is_eager=True,
            help="Versions of sglc, Python, torch and triton.",
        ),
    ] = False,
) -> None:
    """Compile and run language-model programs."""


app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("compile", cls=phase_options.Command, epilog=compile.EXAMPLES)(compile.compile)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("fmt", epilog=fmt.EXAMPLES)(fmt.fmt)
app.command("lsp")(lsp.lsp)
app.add_typer(bench.app, name="bench")
