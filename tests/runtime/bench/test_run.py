"""All rows of `sglc bench engine` on tiny shapes, and what becomes of failures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sglc_runtime.bench import run
from sglc_runtime.bench.agree import agree
from sglc_runtime.bench.figures import Amount, Figure, MissingPeerError, Target
from sglc_runtime.bench.lab import TINY, Lab, Settings
from sglc_runtime.bench.rows import ROWS, Row, chosen
from sglc_runtime.bench.select_row import Chooser
from sglc_runtime.bench.turns import Spread
from sglc_runtime.machine_load import Load

SMALL = Settings(repeats=1, threads=1, quick=True, peers=False, large=TINY, medium=TINY)
COMPARED = ("decode-llama", "decode-generate-8", "forks-llama", "embedded-16")
ALONE = ("bandwidth", "select")


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """What readers of the JSON count on in a row."""

    name: str
    what: str
    over: str
    unit: str
    target: dict[str, float | bool] | None
    status: str
    message: str
    value: dict[str, float] | None
    verdict: str | None
    ours: dict[str, float | str] | None
    peer: dict[str, float | str] | None
    notes: list[str]
    load: dict[str, Any] | None
    disturbed: bool | None
    seconds: float
    detail: dict[str, Any]


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """What readers of the JSON count on."""

    schema: int
    date: str
    hardware: dict[str, Any]
    versions: dict[str, str]
    settings: dict[str, Any]
    load: dict[str, Any]
    disturbed: bool
    partial: bool
    rows: list[Entry]


def results(*names: str) -> Result:
    found = run.run_rows(chosen(names), SMALL, lambda _: None)
    return msgspec.convert(json.loads(json.dumps(found)), Result)


def row(name: str, measure: Any) -> Row:
    return Row(
        name=name,
        what=name,
        peer="peer",
        model="embedded",
        unit="x",
        target=Target(2, 3),
        measure=measure,
    )


def figure(value: float = 2.5) -> Figure:
    return Figure(value=Spread(value, value, value), ours=Amount(1.0, "s"))


def test_rows_without_peers_measure_ours_and_say_what_is_missing() -> None:
    found = results(*COMPARED, *ALONE)
    assert sorted(entry.name for entry in found.rows) == sorted((*COMPARED, *ALONE))
    for entry in found.rows:
        assert entry.ours is not None, entry.message
        assert float(entry.ours["value"]) > 0
        if entry.name in COMPARED:
            assert (entry.status, entry.value, entry.verdict) == ("no peer", None, None)
            assert "not asked for" in entry.message
        else:
            assert entry.status == "measured"
            assert entry.value is not None
            assert 0 < entry.value["low"] <= entry.value["median"] <= entry.value["high"]
        assert entry.load is not None
    assert found.settings["threads"] == {"embedded": 1, "135M": 1, "0.6B": 1}
    assert set(found.versions) >= {"python", "torch", "transformers"}
    assert not found.partial


def test_beside_generate_the_tokens_are_the_same() -> None:
    settings = replace(SMALL, peers=True)
    found = run.run_rows(chosen(["embedded-1"]), settings, lambda _: None)
    (entry,) = found["rows"]
    assert entry["status"] == "measured", entry["message"]
    agreement = entry["detail"]["agreement"]
    assert agreement["same"] == agreement["compared"] == 16
    assert agreement["fine"]
    assert entry["verdict"] in ("missed", "met", "reached")


def test_a_peer_of_other_weights_is_noticed() -> None:
    lab = Lab(SMALL, lambda _: None)
    side = lab.engine(TINY)
    prompts = [[70, 71, 72, 73], [80, 81]]
    own = side.run(prompts, 6).ids
    found = agree(side, prompts, own)
    assert (found.compared, found.same, found.gap) == (12, 12, 0.0)
    wrong = [own[0], [*own[1][:2], (own[1][2] + 1) % 512, *own[1][3:]]]
    found = agree(side, prompts, wrong)
    assert (found.compared, found.same) == (9, 8)
    assert found.gap > 0
    assert not found.fine(found.gap / found.spread / 2)
    assert "do not trust" in found.said(0.0)


def test_choices_are_scored_after_what_is_cached() -> None:
    lab = Lab(SMALL, lambda _: None)
    side = lab.engine(TINY)
    prefix = [*range(100, 228)]
    chooser = Chooser(side, prefix)
    for call in (chooser.select, chooser.extend):
        before = side.engine.stats()
        assert call() > 0
        after = side.engine.stats()
        assert after.computed_tokens - before.computed_tokens <= 4 * 8 + 2


def test_one_failure_leaves_the_other_rows() -> None:
    def broken(_: Lab) -> Figure:
        raise RuntimeError("no luck")

    def absent(_: Lab) -> Figure:
        raise MissingPeerError("pip install something")

    rows = [row("a", broken), row("b", absent), row("c", lambda _: figure())]
    found = run.run_rows(rows, SMALL, lambda _: None)
    assert [entry["status"] for entry in found["rows"]] == ["failed", "no peer", "measured"]
    assert found["rows"][0]["message"] == "RuntimeError: no luck"
    assert found["rows"][1]["message"] == "pip install something"
    assert found["rows"][2]["verdict"] == "met"
    msgspec.convert(json.loads(json.dumps(found)), Result)


def test_an_interrupt_ends_it_with_what_there_is() -> None:
    def interrupted(_: Lab) -> Figure:
        raise KeyboardInterrupt

    rows = [row("a", lambda _: figure()), row("b", interrupted), row("c", lambda _: figure())]
    found = run.run_rows(rows, SMALL, lambda _: None)
    assert found["partial"]
    statuses = [entry["status"] for entry in found["rows"]]
    assert statuses == ["measured", "not measured", "not measured"]


@pytest.mark.parametrize("missing", ["", "pip install something"])
def test_a_row_that_was_interrupted_is_the_last(missing: str) -> None:
    cut = replace(
        figure(), partial=True, missing=missing, value=None if missing else Spread(1, 1, 1)
    )
    rows = [row("a", lambda _: cut), row("b", lambda _: figure())]
    found = run.run_rows(rows, SMALL, lambda _: None)
    assert [entry["status"] for entry in found["rows"]] == ["partial", "not measured"]
    assert found["partial"]
    assert found["rows"][0]["message"] == missing


@pytest.mark.parametrize(
    ("steal", "others", "disturbed"), [(5.1, 0, True), (0, 6, True), (5, 5, False)]
)
def test_disturbed_above_five_per_cent(
    steal: float, others: float, disturbed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Load(2, "cpu", (0.0, 0.0), steal, others)
    monkeypatch.setattr(run.LoadWatch, "read", lambda _: load)
    found = run.run_rows([row("a", lambda _: figure())], SMALL, lambda _: None)
    assert found["disturbed"] is disturbed
    assert found["rows"][0]["disturbed"] is disturbed


def test_llama_cpp_without_its_packages_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    found = run.run_rows(chosen(["decode-llama"]), replace(SMALL, peers=True), lambda _: None)
    (entry,) = found["rows"]
    assert entry["status"] == "no peer"
    assert "pip install llama-cpp-python==0.3.36 gguf" in entry["message"]
    assert entry["ours"] is not None


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({entry.name for entry in ROWS}) == len(ROWS)
