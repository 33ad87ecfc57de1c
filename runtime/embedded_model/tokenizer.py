"""
A byte-level BPE tokenizer with single digits, trained on the corpus.

python tokenizer.py --out build/tokenizer.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from corpus import documents
from documents import END, END_OF_TEXT, START
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 2048
SPECIALS = (END_OF_TEXT, START, END, "<|pad|>", *(f"<|reserved_{i}|>" for i in range(4)))
SEED = 7
DOCUMENTS = 30_000


def texts(seed: int, count: int) -> Iterator[str]:
    """Yield the corpus cut at special tokens, which no merge may cross."""
    for _, document in documents(seed, count):
        for segment in document:
            text = segment.text
            for special in SPECIALS:
                text = text.replace(special, "\0")
            yield from (part for part in text.split("\0") if part)


def train(seed: int = SEED, count: int = DOCUMENTS) -> Tokenizer:
    """Train the tokenizer; equal arguments give equal tokenizers."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(seed, count), trainer)
    return tokenizer


def main() -> None:
    """Train and write the tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    train().save(str(out))


if __name__ == "__main__":
    main()
