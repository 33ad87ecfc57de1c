"""A Hugging Face tokenizer.json, used so that decoding a path gives back its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

from sglc_runtime.text.layout import Layout, bare, conventions, spelled_bytes
from sglc_runtime.text.stable import StablePrefix


class TokenizerError(Exception):
    """The folder's tokenizer is missing, broken or of a kind that is not supported."""


def read_settings(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object of the folder, empty where there is no such file."""
    path = folder / name
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TokenizerError(f"cannot read {path}: {error}") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path} has to hold a JSON object")
    return value


def token_text(entry: object) -> str | None:
    """Text of a special token as tokenizer_config.json writes it: a string or an object."""
    if isinstance(entry, dict):
        entry = entry.get("content")
    return entry if isinstance(entry, str) else None


class Tokenizer:
    """
    Text to ids and back, for text runs of a path.

    The first run of a path gets the BOS and the dummy space that the tokenizer itself adds, and its
    ids are exactly those of transformers' tokenizer; later runs get neither. Raises
    `TokenizerError`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config = read_settings(self.folder, "tokenizer_config.json")
        layout = self._read_layout()
        self.backend = self._build(layout)  # first: it says what is wrong with a broken file
        how = conventions(layout)
        if how is None:
            kind = (layout.get("decoder") or {}).get("type")
            raise TokenizerError(f"{self.folder}: tokenizers with decoder {kind} are not supported")
        self._how = how
        self._later = self._build(bare(layout)) if how.prefix_space else self.backend
        added = self.backend.get_added_tokens_decoder()
        self._added: dict[int, str] = {i: str(token.content) for i, token in added.items()}
        self.special_ids = frozenset(i for i, token in added.items() if token.special)
        """Ids that `decode` leaves out."""
        vocab = self.backend.get_vocab(with_added_tokens=True)
        self.vocab_size = len(vocab)
        self.max_id = max(vocab.values(), default=-1)
        self.bos_ids = self._bos_ids()
        """What is put in front of a path: usually the BOS or nothing."""
        self._bytes: dict[int, bytes] = {}

    def _read_layout(self) -> Layout:
        path = self.folder / "tokenizer.json"
        if not path.is_file():
            raise TokenizerError(
                f"{self.folder} has no tokenizer.json; write one with: python -c"
                f" \"from transformers import AutoTokenizer as T; p = '{self.folder}';"
                ' T.from_pretrained(p).save_pretrained(p)"'
            )
        return read_settings(self.folder, "tokenizer.json")

    def _build(self, layout: Layout) -> tokenizers.Tokenizer:
        try:
            built = tokenizers.Tokenizer.from_str(json.dumps(layout))
        except Exception as error:  # the library raises plain Exception
            raise TokenizerError(f"{self.folder}/tokenizer.json is broken: {error}") from error
        built.no_truncation()
        built.no_padding()
        return built

    def _bos_ids(self) -> tuple[int, ...]:
        plain = self.backend.encode("a", add_special_tokens=False).ids
        full = self.backend.encode("a", add_special_tokens=True).ids
        before = 0
        while before < len(full) and full[before : before + len(plain)] != plain:
            before += 1
        ids = tuple(full[:before]) if before < len(full) else ()
        wanted = self.config.get("add_bos_token")
        text = token_text(self.config.get("bos_token"))
        bos = None if text is None else self.backend.token_to_id(text)
        if wanted is True and not ids and bos is not None:
            return (bos,)
        if wanted is False and ids == (bos,):
            return ()
        return ids

    @cached_property
    def eos_ids(self) -> tuple[int, ...]:
        """Ids that end a generation, by tokenizer, model and generation settings; sorted."""
        ids: set[int] = set()
        text = token_text(self.config.get("eos_token"))
        if text is not None and (found := self.backend.token_to_id(text)) is not None:
            ids.add(found)
        for name in ("config.json", "generation_config.json"):
            value = read_settings(self.folder, name).get("eos_token_id")
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, int) and not isinstance(item, bool):
                    ids.add(item)
        return tuple(sorted(ids))

    def special_id(self, text: str) -> int | None:
        """Id of the special token spelled `text`, which decoded text never shows."""
        found = self.backend.token_to_id(text)
        return found if found in self.special_ids else None

    @cached_property
    def most_characters(self) -> int | None:
        """
        Characters that one id can stand for at most; None where no such number is known.

        Known for byte-level vocabularies, of whose texts nothing is dropped before they are cut
        into tokens. Composing characters (NFC) makes a text at most four times shorter.
        """
        normalizer = self.backend.normalizer
        composed = isinstance(normalizer, tokenizers.normalizers.NFC)
        added = self.backend.get_added_tokens_decoder().values()
        swallows = any(token.lstrip or token.rstrip for token in added)
        if self._how.spelling != "bytes" or swallows or not (normalizer is None or composed):
            return None
        longest = max(map(len, self.backend.get_vocab(with_added_tokens=True)), default=1)
        return longest * (4 if composed else 1)

    def encode_run(self, text: str, first: bool) -> list[int]:
        """
        Ids of one whole text run; special tokens spelled in it become their ids.

        `first`: the run opens its path and gets BOS, unless it is spelled there already. Raises
        `TokenizerError` for text that is not Unicode (lone surrogates).
        """
        try:
            if not first:
                return self._encode_later(text)
            ids = self.backend.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise TokenizerError(f"text cannot be encoded: {error}") from error
        bos = list(self.bos_ids)
        return ids if bos and ids[: len(bos)] == bos else bos + ids

    def _encode_later(self, text: str) -> list[int]:
        encoded = self._later.encode(text, add_special_tokens=False)
        ids = encoded.ids
        if self._later is self.backend:
            return ids
        # After a special token the tokenizer's own habit counts again: what follows is a new text.
        for index, token in enumerate(ids):
            if token in self._added:
                rest = text[encoded.offsets[index][0] :]
                tail = self.backend.encode(rest, add_special_tokens=False).ids
                return ids[:index] + tail
        return ids

    def token_bytes(self, token: int) -> bytes:
        """Bytes that id `token` stands for, special tokens as spelled; empty for unused ids."""
        known = self._bytes.get(token)
        if known is None:
            if token in self._added:
                known = self._added[token].encode()
            else:
                entry = self.backend.id_to_token(token)
                known = b"" if entry is None else spelled_bytes(entry, self._how)
            self._bytes[token] = known
        return known

    def decode(self, ids: Iterable[int], *, first: bool = False, skip_special: bool = True) -> str:
        """
        Text of `ids`, special tokens left out; bytes that are no UTF-8 become U+FFFD.

        `first`: the ids open a path, and the dummy space that encoding added is removed.
        """
        kept = [i for i in ids if not (skip_special and i in self.special_ids)]
        data = b"".join(map(self.token_bytes, kept))
        if first and self._how.prefix_space and data.startswith(b" "):
            data = data[1:]
        return data.decode("utf-8", "replace")

    @cached_property
    def _stable(self) -> StablePrefix:
        return StablePrefix(self._later, self._added.values())

    def stable_prefix_length(self, text: str, first: bool = True) -> int:
        """How many leading ids of `encode_run(text, first)` stay whatever text is appended."""
        cut = self._stable.cut(text)
        if cut == 0:
            return 0
        ids, head = self.encode_run(text, first), self.encode_run(text[:cut], first)
        return len(head) if ids[: len(head)] == head else 0
