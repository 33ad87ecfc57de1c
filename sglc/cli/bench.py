"""`sglc bench`: measure the engine beside its peers, and the compiler, on this machine."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from sglc.cli import bench_compile, bench_engine, bench_gpu, bench_profile, bench_rows, options
from sglc.cli.bench_report import Json, doing, machine, table, warn_if_disturbed
from sglc.cli.engine_options import KvCacheDType
from sglc.cli.guard import DIAGNOSTICS, guarded

GENERATE_EXAMPLES = options.examples(
    "sglc bench generate", "sglc bench generate --model ./Qwen3-0.6B --branches 8 --json"
)
AGREEMENT_EXAMPLES = options.examples(
    "sglc bench agreement",
    "sglc bench agreement --model ./Qwen3-0.6B --prompts 16",
    "sglc bench agreement --kv-cache-dtype fp8_e4m3",
)

app = typer.Typer(
    help="Measure the engine beside its peers, and what programs cost, on this machine.",
    no_args_is_help=True,
)
app.command("engine", epilog=bench_engine.EXAMPLES)(bench_engine.engine)
app.command("gpu", epilog=bench_gpu.EXAMPLES)(bench_gpu.gpu)
app.command("profile", epilog=bench_profile.EXAMPLES)(bench_profile.profile)
app.command("compile", epilog=bench_compile.EXAMPLES)(bench_compile.compile)

Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="FOLDER", help="A checkpoint folder; the embedded model by default."
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Torch threads; chosen by default.")
]


@app.command("generate", epilog=GENERATE_EXAMPLES)
@guarded
def generate(
    model: Model = None,
    new_tokens: Annotated[int, typer.Option(min=2, help="Tokens each sequence generates.")] = 64,
    prefix_tokens: Annotated[int, typer.Option(min=1, help="Tokens the branches share.")] = 512,
    branches: Annotated[int, typer.Option(min=1, help="Branches after the shared tokens.")] = 16,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats; medians are shown.")] = 5,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """
    Speed of one sequence and of branches after a shared prefix, beside `transformers.generate`.

    Both run in this process in turns, with the same ids, weights, type and threads.
    """
    from sglc.runtime import bench_generate

    result = bench_generate(
        model,
        doing,
        config={"threads": threads},
        new_tokens=new_tokens,
        prefix_tokens=prefix_tokens,
        branches=branches,
        repeats=repeats,
    )
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(_what(result))
    print(machine(result["load"]))
    names = ("sglc tok/s", "transformers tok/s", "ratio", "first token", "decode", "same tokens")
    rows = [("", *names)]
    for case in result["cases"]:
        ours, theirs = case["sglc"], case["transformers"]
        rows.append(
            (
                case["name"],
                f"{ours['tokens_per_second']:.0f}",
                f"{theirs['tokens_per_second']:.0f}",
                _ratio(case, "speedup"),
                _ratio(case, "first_speedup"),
                _ratio(case, "decode_speedup"),
                "yes" if case["same_tokens"] else "no",
            )
        )
    print(table(rows))
    warn_if_disturbed(result)


@app.command("agreement", epilog=AGREEMENT_EXAMPLES)
@guarded
def agreement(
    model: Model = None,
    prompts: Annotated[int, typer.Option(min=1, help="How many prompts.")] = 48,
    new_tokens: Annotated[int, typer.Option(min=1, help="Tokens after each.")] = 32,
    kv_cache_dtype: Annotated[
        KvCacheDType, typer.Option(help="What keys and values are kept in.")
    ] = KvCacheDType.AUTO,
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """
    Greedy tokens against those of `transformers.generate` in float32, in five ways of running.

    Exits with 1 where a token differs, or logits of two ways do; with keys and values of 8 bits
    both are expected, and only told.
    """
    from sglc.runtime import bench_agreement

    config = {"threads": threads, "kv_cache_dtype": kv_cache_dtype.value}
    result = bench_agreement(model, doing, config=config, prompts=prompts, new_tokens=new_tokens)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        print(_what(result))
        rows = [("", "prompts", "tokens", "equal logit rows", "cached", "evicted", "preemptions")]
        rows += [
            (
                way["name"],
                f"{way['prompts_agree']}/{result['prompts']}",
                f"{way['tokens_agree']}/{result['tokens']}",
                f"{way['logit_rows_equal']}/{way['logit_rows']}",
                str(way["cached_tokens"]),
                str(way["evicted_tokens"]),
                str(way["preemptions"]),
            )
            for way in result["ways"]
        ]
        print(table(rows))
    if kv_cache_dtype is KvCacheDType.AUTO and not all(
        way["prompts_agree"] == result["prompts"] and way["logit_rows_equal"] == way["logit_rows"]
        for way in result["ways"]
    ):
        raise typer.Exit(DIAGNOSTICS)


app.command("rows", epilog=bench_rows.EXAMPLES)(bench_rows.rows)


def _what(result: dict[str, Any]) -> str:
    return (
        f"{result['model']}: {result['implementation']} model, {result['attention']} attention,"
        f" {result['dtype']}, {result['threads']} thread{'s' if result['threads'] != 1 else ''}"
    )


def _ratio(case: dict[str, Any], key: str) -> str:
    low, high = case[f"{key}_range"]
    return f"{case[key]:.2f} ({low:.2f}-{high:.2f})"
