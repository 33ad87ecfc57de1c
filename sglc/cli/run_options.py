"""Options of `sglc run` in groups, each with what it means to the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from sglc.cli import options
from sglc.cli.guard import usage

SAMPLING = "Sampling, where the program does not say"
TRUST = "What the program may reach"
BATCHES = "Batches"


class SamplingDefaults(Enum):
    """Where parameters come from that neither the program nor the command line gives."""

    SGLANG = "sglang"
    MODEL = "model"


class Speculation(Enum):
    """Sources of guesses; see `docs/speculative-decoding.md`."""

    OFF = "off"
    NGRAM = "ngram"
    DRAFT = "draft"
    AUTO = "auto"


class Quantization(Enum):
    """How our engine keeps weights; see `docs/kernels.md`."""

    NONE = "none"
    INT8 = "int8"
    INT4 = "int4"


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers, and how it can be repeated."""

    model: Annotated[
        Path | None,
        typer.Option(
            help="A checkpoint folder in Hugging Face format; the default is the embedded model.",
            show_default=False,
        ),
    ] = None
    lora: Annotated[
        Path | None,
        typer.Option(
            help="A LoRA adapter's folder in PEFT's format, merged into the model.",
            show_default=False,
        ),
    ] = None
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="`local`; `http://HOST:PORT`, a server with SGLang's interface; `openai:MODEL`; "
            "or `MODULE:NAME`, a backend in Python (an object, or what makes one).",
            show_default=False,
        ),
    ] = None
    seed: Annotated[
        int | None, typer.Option(help="Seed of all sampling; drawn at random otherwise.")
    ] = None
    speculation: Annotated[
        Speculation | None,
        typer.Option(
            help="What guesses tokens ahead of the model; changes speed and nothing else.",
            show_default=False,
        ),
    ] = None
    draft_model: Annotated[
        Path | None,
        typer.Option(
            help="A small checkpoint folder that guesses, of the model's vocabulary.",
            show_default=False,
        ),
    ] = None
    quantization: Annotated[
        Quantization | None,
        typer.Option(
            help="Round the model's weights to integers: less memory, faster, less exact.",
            show_default=False,
        ),
    ] = None

    @property
    def engine(self) -> dict[str, Any]:
        """What was said about our own engine, as fields of its configuration."""
        values = {
            "lora_path": None if self.lora is None else str(self.lora),
            "speculation": None if self.speculation is None else self.speculation.value,
            "draft_model": None if self.draft_model is None else str(self.draft_model),
            "quantization": None if self.quantization is None else self.quantization.value,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Printing:
    """What is printed of a run."""

    stream: Annotated[
        bool, typer.Option("--stream", help="Print text token by token, not piece by piece.")
    ] = False
    stats: Annotated[
        bool, typer.Option("--stats", help="Print tokens, cache hits and times to stderr.")
    ] = False
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one object: text, messages, variables, return_value, usage, seed.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows in, rows out."""

    rows: Annotated[
        str | None,
        typer.Option(
            "-i",
            "--input",
            metavar="ROWS.jsonl",
            help="Run once for each line, a JSON object of arguments; `-` is stdin.",
            rich_help_panel=BATCHES,
        ),
    ] = None
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.jsonl",
            help="One object a row as with --json, in input order, errors included; `-`, the "
            "default, is stdout.",
            rich_help_panel=BATCHES,
        ),
    ] = None

    def check(self, params: list[str], printing: Printing) -> None:
        """Raise UsageError for options that a batch, or a single run, does not take."""
        if self.rows is None and self.output is not None:
            raise usage("`-o` needs `-i ROWS.jsonl`", "for one run, redirect: `--json > out.json`")
        if self.rows is not None and (params or printing.stream):
            what = "-p" if params else "--stream"
            raise usage(f"`{what}` cannot be combined with `-i`", "put arguments into the rows")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters for what the program leaves open."""

    temperature: Annotated[
        float | None, typer.Option(min=0, help="0 is greedy.", rich_help_panel=SAMPLING)
    ] = None
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens of one `gen`.", rich_help_panel=SAMPLING)
    ] = None
    top_p: Annotated[float | None, typer.Option(min=0, max=1, rich_help_panel=SAMPLING)] = None
    top_k: Annotated[int | None, typer.Option(min=-1, rich_help_panel=SAMPLING)] = None
    min_p: Annotated[float | None, typer.Option(min=0, max=1, rich_help_panel=SAMPLING)] = None
    stop: Annotated[
        list[str] | None,
        typer.Option(help="A stop string; may be repeated.", rich_help_panel=SAMPLING),
    ] = None

    sampling_defaults: Annotated[
        SamplingDefaults,
        typer.Option(
            help="What holds where nothing is said: SGLang's defaults, or what the model's "
            "generation_config.json recommends.",
            rich_help_panel=SAMPLING,
        ),
    ] = SamplingDefaults.SGLANG

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that were given, by name."""
        values = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "stop": tuple(self.stop) if self.stop else None,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Optimising:
    """Which passes run; none changes a result."""

    passes: options.Passes = None
    no_pass: options.NoPass = None
    eager: Annotated[
        bool,
        typer.Option(
            "--eager",
            help="Run the reference interpreter: nothing deferred, hoisted or made parallel.",
            rich_help_panel="Optimisation",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Trust:
    """What the program may reach, and how much it may do."""

    allow_extern: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let a script call functions of this Python module; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None
    allow_files: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Let a script read images and videos in this folder; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            metavar="NAME=NUMBER",
            help="Another bound on what a script may do, such as steps=1000; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None
    allow_module: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Let a .sglir of a Python program import this module; may be repeated.",
            rich_help_panel=TRUST,
        ),
    ] = None
