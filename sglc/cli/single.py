"""One run: the conversation on stdout while it grows, then the return value."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from sglc.cli import arguments, console, result, statistics
from sglc.cli.conversation import Printer, plain
from sglc.cli.follow import follow
from sglc.programs.program import Program, RunOptions
from sglc.programs.running import Running


def run(
    program: Program,
    params: Sequence[str],
    how: RunOptions,
    *,
    as_json: bool,
    tokens: bool,
    stats: bool,
) -> None:
    """
    Run once, printing pieces, or with `tokens` what has come of each; `as_json` prints at the end.

    Raises what the program raises, after what it had said until then is printed.
    """
    args = arguments.from_options(params, program)
    watch = statistics.Watch()
    running = program.start(args, how)
    try:
        if as_json:
            running.wait()
            print(json.dumps(result.to_object(running), ensure_ascii=False))
        else:
            _print(running, tokens=tokens, watch=watch)
    except KeyboardInterrupt:
        running.cancel()
        raise
    finally:
        if how.seed is None and not as_json:
            console.message(f"seed {running.seed}")
    if stats:
        watch.add(running)
        console.message(watch.table())


def _print(running: Running, *, tokens: bool, watch: statistics.Watch) -> None:
    printer = Printer(sys.stdout, on_answer=watch.first_answer)
    try:
        follow(running.state.handle, printer, tokens=tokens)
        running.wait()
    except BaseException:
        printer.finish()
        raise
    printer.finish(plain(running.value()))
