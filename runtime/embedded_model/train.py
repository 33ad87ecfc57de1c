"""
Train the embedded model on one processor core; may be interrupted and resumed at any time.

python train.py --data build/first.npz --then build/second.npz --out build/run --minutes 59

With `--teacher STATE` the model learns another's distributions besides the text (distillation,
Hinton, Vinyals and Dean, arXiv 1503.02531): so is the draft model trained, which should guess what
the embedded model says, right or wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from model import Decoder, Shape
from muon import Muon
from packing import Batch, Encoded, batches
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Options:
    """The recipe; every field is also a command-line option."""

    data: Path
    then: Path
    switch: float
    out: Path
    minutes: float
    seed: int
    threads: int
    lr: float
    flat: float
    warmup: int
    weight_decay: float
    repeat_share: float
    repeat_steps: int
    prompt_share: float
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    save_every: float
    init: Path | None
    teacher: Path | None
    teacher_share: float

    def shape(self) -> Shape:
        """Return the sizes of the model to train."""
        return Shape(
            hidden_size=self.hidden,
            intermediate_size=self.intermediate,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
        )


@dataclass(slots=True)
class Progress:
    """
    What a checkpoint knows besides weights.

    Seconds count training only; `second` is the step at which the second part began, or -1.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    second: int = -1


def parse() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="what prepare.py wrote")
    parser.add_argument("--then", type=Path, required=True, help="the second part's text")
    parser.add_argument("--switch", type=float, default=0.45, help="share before the second part")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and log")
    parser.add_argument("--minutes", type=float, default=59.0, help="length of the whole run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--flat", type=float, default=0.4, help="share of the run at full rate")
    parser.add_argument("--warmup", type=int, default=60, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--repeat-share", type=float, default=0.6)
    parser.add_argument("--repeat-steps", type=int, default=250)
    parser.add_argument("--prompt-share", type=float, default=0.1)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--intermediate", type=int, default=512)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--kv-heads", type=int, default=2)
    parser.add_argument("--save-every", type=float, default=120.0, help="seconds")
    parser.add_argument("--init", type=Path, default=None, help="start from these weights")
    parser.add_argument("--teacher", type=Path, default=None, help="state to learn from as well")
    parser.add_argument("--teacher-share", type=float, default=0.8, help="of the loss")
    return Options(**vars(parser.parse_args()))


def rate(options: Options, progress: Progress) -> float:
    """Return the share of the learning rate: warm-up, flat, then linear to nothing."""
    done = progress.seconds / (options.minutes * 60)
    warm = min(1.0, (progress.step + 1) / options.warmup)
    return warm * min(1.0, max(0.01, (1 - done) / (1 - options.flat)))


def load_model(state: Path) -> Decoder:
    """Return the model of a checkpoint, for reading only."""
    checkpoint = torch.load(state, weights_only=True)
    model = Decoder(Shape(**checkpoint["shape"]))
    model.load_state_dict(checkpoint["model"])
    return model.requires_grad_(False)


class Trainer:
    """A model, its two optimisers and the place where it is in the run."""

    def __init__(self, options: Options) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.model = Decoder(options.shape())
        self.teacher = load_model(options.teacher) if options.teacher is not None else None
        self.muon = Muon(
            self.model.matrices(),
            lr=options.lr,
            momentum=0.95,
            weight_decay=options.weight_decay,
        )
        self.adam = torch.optim.AdamW(
            self.model.others(), lr=options.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True
        )
        self.progress = Progress()
        self.file = options.out / "state.pt"
        if self.file.exists():
            self.restore()
        elif options.init is not None:
            self.model.load_state_dict(torch.load(options.init, weights_only=True)["model"])

    def restore(self) -> None:
        """Go on where the last checkpoint was written."""
        state = torch.load(self.file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.progress = Progress(**state["progress"])

    def save(self) -> None:
        """Write a checkpoint; an interruption leaves the previous one whole."""
        temporary = self.file.with_suffix(".tmp")
        torch.save(
            {
                "model": self.model.state_dict(),
                "muon": self.muon.state_dict(),
                "adam": self.adam.state_dict(),
                "progress": asdict(self.progress),
                "shape": self.model.shape.as_dict(),
            },
            temporary,
        )
        os.replace(temporary, self.file)

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of `logits[N, vocab]`: of the text, and of the teacher's guesses."""
        loss = F.cross_entropy(logits, batch.targets)
        if self.teacher is None:
            return loss
        with torch.no_grad():
            wanted = self.teacher(batch.ids, batch.mask, batch.chosen).softmax(-1)
        share = self.options.teacher_share
        return (1 - share) * loss + share * F.cross_entropy(logits, wanted)

    def step(self, batch: Batch) -> float:
        """Take one optimiser step and return the mean loss of the batch."""
        share = rate(self.options, self.progress)
        for optimiser in (self.muon, self.adam):
            for group in optimiser.param_groups:
                group["lr"] = self.options.lr * share
        logits = self.model(batch.ids, batch.mask, batch.chosen)
        loss = self.loss(logits, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in (self.muon, self.adam):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += batch.tokens
        return loss.item()


def stream(trainer: Trainer) -> Iterator[Batch]:
    """Yield batches from where the run is: of the first part, then of the second."""
    options, progress = trainer.options, trainer.progress
    vocabulary = trainer.model.shape.vocab_size
    if progress.second < 0:
        for batch in batches(
            Encoded.load(options.data),
            vocabulary,
            options.seed,
            progress.step,
            options.repeat_share,
            options.repeat_steps,
            options.prompt_share,
        ):
            if progress.seconds >= options.switch * options.minutes * 60:
                progress.second = progress.step
                break
            yield batch
    yield from batches(
        Encoded.load(options.then),
        vocabulary,
        options.seed + 1,
        progress.step - progress.second,
        options.repeat_share / 10,
        0,
        options.prompt_share,
    )


def main() -> None:
    """Train until the minutes are used up, logging one JSON line every half minute."""
    options = parse()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(options)
    progress = trainer.progress
    log = (options.out / "log.jsonl").open("a", buffering=1)
    window: list[float] = []
    before = logged = saved = time.monotonic()
    logged_tokens = progress.tokens
    for batch in stream(trainer):
        window.append(trainer.step(batch))
        now = time.monotonic()
        progress.seconds += now - before
        before = now
        finished = progress.seconds >= options.minutes * 60
        if finished or now - logged > 30:
            record = {
                "seconds": round(progress.seconds),
                "step": progress.step,
                "tokens": progress.tokens,
                "tokens_per_second": round((progress.tokens - logged_tokens) / (now - logged)),
                "loss": round(sum(window) / len(window), 4),
                "rate": round(rate(options, progress), 3),
            }
            log.write(json.dumps(record) + "\n")
            window, logged, logged_tokens = [], now, progress.tokens
        if finished or now - saved > options.save_every:
            trainer.save()
            saved = now
        if finished:
            break


if __name__ == "__main__":
    main()
