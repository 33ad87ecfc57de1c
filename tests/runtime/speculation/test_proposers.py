"""Where guesses come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.attention.make import make_attention
from sglc_runtime.config import EngineConfig
from sglc_runtime.embedded import draft_path
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.models.c_draft import CDraft, runs_in_c
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.load_native import load_native
from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from sglc_runtime.speculation.compiled_draft import CompiledDraftProposer
from sglc_runtime.speculation.draft_model import DraftModelProposer
from sglc_runtime.speculation.ngram import look_up, pack
from sglc_runtime.speculation.speculation import Speculation
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint, run
from tests.runtime.engine.test_fuzz import outcome

TIPS = "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\nTip 1:"
CHAT = "<|im_start|>user\nWhat is gravity?<|im_end|>\n<|im_start|>assistant\n"


def latest(ids: list[int], size: int) -> int:
    """Position behind the latest earlier place that ends as `ids` does, the slow way."""
    for end in range(len(ids) - 1, size - 1, -1):
        if ids[end - size : end] == ids[-size:]:
            return end
    return -1


@given(st.lists(st.sampled_from([0, 1, 256, 65536, 2**24]), max_size=40), st.integers(1, 5))
def test_lookup_finds_what_followed_the_latest_place(ids: list[int], most: int) -> None:
    guess = look_up(ids, pack(ids), most)
    for size in (3, 2):
        at = latest(ids, size) if len(ids) > size else -1
        if at >= 0:
            assert guess.tokens == ids[at : at + most]
            length = int(guess.source.removeprefix("ngram-"))
            assert length >= size
            assert ids[at - length : at] == ids[-length:]
            return
    assert not guess.tokens


def embedded(kind: str, **options: object) -> EngineLoop:
    config = EngineConfig(threads=1, kv_slots=4096, speculation=kind, **options)  # type: ignore[arg-type]
    return start_engine(config)[0]


def submits(temperature: float) -> list[Submit]:
    sampling = Sampling(max_new_tokens=40, temperature=temperature, top_k=20 if temperature else -1)
    texts = (TIPS, CHAT, TIPS + " A", "Once upon a time,")
    return [
        Submit(number, (Text(text),), (Generate(sampling, key=3), Generate(sampling, key=4)))
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("compiled", [True, False])
def test_the_embedded_draft_agrees_with_the_embedded_model(
    temperature: float, compiled: bool
) -> None:
    plain, engine = embedded("off"), embedded("draft")
    speculation = engine.speculation
    assert speculation is not None
    speculation.always = 4
    if compiled:
        assert isinstance(speculation.drafter, CompiledDraftProposer)
    else:
        device = torch.device("cpu")
        model = load_native(draft_path(), device=device, dtype="float32")
        attention = make_attention("auto", model.spec, 300, device, model.spec.dtype)
        speculation.drafter = DraftModelProposer(model, attention, 300, device)
    want, got = run(plain, submits(temperature)), run(engine, submits(temperature))
    for number in range(4):
        assert outcome(got, number) == outcome(want, number)
    stats = engine.stats()
    assert stats.accepted_tokens > 0.7 * stats.drafted_tokens > 0
    if isinstance(speculation.drafter, DraftModelProposer):
        shadows = speculation.drafter.shadows.values()
        speculation.drafter.cache.check_integrity(shadow.sequence for shadow in shadows)


@pytest.mark.parametrize("kind", ["ngram", "draft", "auto"])
def test_the_choice_changes_speed_and_nothing_else(kind: str) -> None:
    plain, engine = embedded("off"), embedded(kind)
    for temperature in (0.0, 0.8):
        want = run(plain, submits(temperature))
        for _ in range(3):
            got = run(engine, submits(temperature))
            for number in range(4):
                assert outcome(got, number) == outcome(want, number)


def test_the_compiled_loop_says_what_the_model_says() -> None:
    device = torch.device("cpu")
    model = load_native(draft_path(), device=device, dtype="float32")
    assert runs_in_c(model)
    assert isinstance(model, CModel)
    draft = CDraft(model, 300)
    ids = [9 + (7 * place) % 1500 for place in range(50)]
    tokens, _ = draft.run(ids, list(range(50)), [100] * 50, [49], 6)
    alone = CDraft(model, 300)
    path = list(ids)
    for position in range(55):
        (token,), logits = alone.run([path[position]], [position], [0], [0], 1)
        if position >= 49:
            path.append(token)
            assert token == int(logits[0].argmax())
    assert path[50:] == tokens
    # Two sequences at once, one of them already half read.
    both = CDraft(model, 300)
    both.run(ids[:30], list(range(30)), [0] * 30, [29], 1)
    rows = [*range(30, 50), *range(50)]
    said, _ = both.run(ids[30:] + ids, rows, [0] * 20 + [150] * 50, [19, 69], 6)
    assert said == [token for token in tokens for _ in range(2)]
    with pytest.raises(ValueError, match="outside"):
        draft.run([1], [299], [0], [0], 2)
    with pytest.raises(ValueError, match="outside"):
        draft.run([5000], [0], [0], [0], 1)


def test_what_cannot_be_a_draft_model_is_refused(tmp_path: Path) -> None:
    tiny = str(checkpoint())
    base = EngineConfig(model=tiny, kv_slots=300, threads=1, speculation="draft")
    with pytest.raises(EngineError, match="needs a draft model"):
        start_engine(base)
    with pytest.raises(EngineError, match="draft model"):
        start_engine(msgspec.structs.replace(base, draft_model=str(tmp_path / "nothing")))
    other = msgspec.structs.replace(base, model=None, draft_model=tiny)
    with pytest.raises(EngineError, match="vocabulary"):
        start_engine(other)


def test_a_folder_can_be_the_draft_of_another() -> None:
    tiny = str(checkpoint())
    engine, info = start_engine(
        EngineConfig(model=tiny, kv_slots=1000, threads=1, speculation="draft", draft_model=tiny)
    )
    assert info.speculation == "draft"
    assert isinstance(engine.speculation, Speculation)
    engine.speculation.always = 3
    sampling = Sampling(max_new_tokens=20, temperature=0.0, ignore_eos=True)
    run(engine, [Submit(0, (Text("The capital of France"),), (Generate(sampling),))])
    stats = engine.stats()
    assert stats.accepted_tokens > 0.9 * stats.drafted_tokens > 0
    assert stats.steps < 10
