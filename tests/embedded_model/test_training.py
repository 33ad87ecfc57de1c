"""The trainer's model is the exported model, its optimiser orthogonalises, its state resumes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from export import export
from model import Decoder, Shape, rotate
from muon import Muon, orthogonalise
from packing import Encoded
from tokenizer import VOCABULARY, train
from transformers import AutoModelForCausalLM

TRAIN = Path(__file__).parents[2] / "runtime" / "embedded_model" / "train.py"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of the trainer after a fraction of a second on random documents."""
    folder = tmp_path_factory.mktemp("training")
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 90, 300)
    total = int(lengths.sum())
    data = Encoded(rng.integers(8, 2048, total), rng.random(total) < 0.5, lengths)
    data.save(folder / "data.npz")
    return run(folder, 0.001)


def run(folder: Path, minutes: float) -> Path:
    """Train in a process of its own until `minutes` are used up."""
    data = str(folder / "data.npz")
    command = [sys.executable, str(TRAIN), "--data", data, "--then", data]
    command += ["--out", str(folder), "--minutes", str(minutes), "--layers", "2"]
    subprocess.run(command, check=True, timeout=120)
    return folder / "state.pt"


def test_resuming_goes_on(state: Path) -> None:
    before = torch.load(state, weights_only=True)
    run(state.parent, before["progress"]["seconds"] / 60 + 0.004)
    after = torch.load(state, weights_only=True)
    assert after["progress"]["step"] > before["progress"]["step"]
    assert after["progress"]["tokens"] > before["progress"]["tokens"]
    assert 0 < after["progress"]["second"] < after["progress"]["step"]
    assert not after["model"]["embed"].equal(before["model"]["embed"])


def test_the_exported_folder_computes_what_was_trained(state: Path, tmp_path: Path) -> None:
    vocabulary = tmp_path / "tokenizer.json"
    train(seed=1, count=300).save(str(vocabulary))
    export(state, vocabulary, tmp_path / "out")
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    trained = Decoder(Shape(num_hidden_layers=2))
    trained.load_state_dict(torch.load(state, weights_only=True)["model"])
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.copy_(parameter.bfloat16().float())
        ids = torch.randint(8, 2048, (2, 40), generator=torch.Generator().manual_seed(0))
        mask = torch.ones(40, 40, dtype=torch.bool).tril()[None, None].expand(2, 1, 40, 40)
        mine = trained(ids, mask, torch.arange(80)).view(2, 40, VOCABULARY)
        theirs = exported(input_ids=ids).logits
    assert torch.allclose(mine, theirs, atol=1e-3)


@pytest.mark.parametrize("shape", [(3, 16, 40), (2, 40, 16), (1, 24, 24)])
def test_orthogonalise(shape: tuple[int, int, int]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    singular = torch.linalg.svdvals(orthogonalise(x, steps=8))
    assert singular.min() > 0.5
    assert singular.max() < 1.3


def test_muon_descends() -> None:
    torch.manual_seed(2)
    target, weight = torch.randn(12, 20), torch.nn.Parameter(torch.zeros(12, 20))
    optimiser = Muon([weight], lr=0.05, momentum=0.9, weight_decay=0.0)
    losses = []
    for _ in range(150):
        loss = (weight - target).square().mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 4


def test_a_previous_token_head_looks_one_token_back() -> None:
    torch.manual_seed(3)
    model = Decoder(Shape())
    layer, shape = model.layers[0], model.shape
    ids = torch.randint(8, 2048, (1, 30))
    u = torch.nn.functional.rms_norm(model.embed[ids[0]], (shape.hidden_size,))
    cos, sin = model.tables[0][:30], model.tables[1][:30]
    q = rotate(u @ layer.q[: shape.head_dim].T, cos, sin)
    k = rotate(u @ layer.k[: shape.head_dim].T, cos, sin)
    scores = (q @ k.T / shape.head_dim**0.5).masked_fill(~torch.ones(30, 30).tril().bool(), -1e9)
    assert scores.argmax(-1)[1:].tolist() == list(range(29))
