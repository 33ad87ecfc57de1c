"""
Encode the corpus for training.

    python prepare.py --tokenizer build/tokenizer.json --out build/corpus.npz --documents 160000

Given text and answers are encoded apart, as at run time: there a prompt is encoded whole and what
the model wrote is kept as the tokens it wrote.
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path

import numpy as np
from corpus import documents
from documents import Document
from packing import WIDTHS, Encoded
from tokenizers import Tokenizer

CHUNK = 50_000


def runs(document: Document) -> list[tuple[str, bool]]:
    """Join neighbouring segments of one kind."""
    return [
        ("".join(segment.text for segment in group), is_answer)
        for is_answer, group in groupby(document, key=lambda segment: segment.answer)
    ]


def encode(tokenizer: Tokenizer, seed: int, count: int, part: int) -> Encoded:
    """Encode `count` documents; those longer than the widest row are left out."""
    pending: list[tuple[str, bool]] = []
    owners: list[int] = []
    ids: list[list[int]] = [[] for _ in range(count)]
    answers: list[list[bool]] = [[] for _ in range(count)]

    def flush() -> None:
        encoded = tokenizer.encode_batch([text for text, _ in pending], add_special_tokens=False)
        for owner, (_, is_answer), item in zip(owners, pending, encoded, strict=True):
            ids[owner] += item.ids
            answers[owner] += [is_answer] * len(item.ids)
        pending.clear()
        owners.clear()

    for number, (_, document) in enumerate(documents(seed, count, part)):
        for run in runs(document):
            pending.append(run)
            owners.append(number)
        if len(pending) > CHUNK:
            flush()
    flush()
    kept = [i for i in range(count) if len(ids[i]) <= WIDTHS[-1]]
    return Encoded(
        np.concatenate([np.array(ids[i], np.int64) for i in kept]),
        np.concatenate([np.array(answers[i], np.bool_) for i in kept]),
        np.array([len(ids[i]) for i in kept], np.int64),
    )


def main() -> None:
    """Encode, write and say how much it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=160_000)
    parser.add_argument("--part", type=int, choices=(0, 1), default=0, help="of training")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    data = encode(tokenizer, arguments.seed, arguments.documents, arguments.part)
    data.save(arguments.out)
    print(
        f"{len(data.lengths)} documents, {len(data.ids)} tokens, {data.answer.mean():.2f} answers,"
        f" longest {data.lengths.max()}, mean {data.lengths.mean():.0f}"
    )


if __name__ == "__main__":
    main()
