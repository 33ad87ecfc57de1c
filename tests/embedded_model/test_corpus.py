"""The generator is seeded, and its documents keep to the formats they teach."""

import json
import random

import numpy as np
import pytest
from canonical import cases
from corpus import KINDS, documents, label, text
from documents import Segment, answer, given
from facts.countries import COUNTRIES
from kinds.records import extraction
from kinds.tools import agent
from packing import Encoded, batches, fill_rows
from prepare import runs


def test_equal_seeds_give_equal_documents() -> None:
    assert list(documents(3, 200)) == list(documents(3, 200))
    assert list(documents(3, 20)) != list(documents(4, 20))
    assert list(documents(3, 200, part=1)) == list(documents(3, 200, part=1))


@pytest.mark.parametrize("kind", KINDS, ids=label)
def test_every_kind_has_a_prompt_and_an_answer(kind) -> None:
    rng = random.Random(5)
    for _ in range(50):
        document = kind(rng)
        flags = {segment.answer for segment in document if segment.text}
        assert flags == {True, False}
        assert text(document).count("<|im_start|>") == text(document).count("<|im_end|>")


def test_the_first_part_leaves_out_what_belongs_to_the_second() -> None:
    first, second = ({name for name, _ in documents(1, 5000, part)} for part in (0, 1))
    assert "quiz.times_table" not in first
    assert second == {label(kind) for kind in KINDS}


def test_extracted_records_are_json_copied_from_the_prompt() -> None:
    rng = random.Random(6)
    for _ in range(200):
        document = extraction(rng)
        record = "".join(segment.text for segment in document if segment.answer)
        prompt = "".join(segment.text for segment in document if not segment.answer)
        fields = json.loads(record.replace("<|im_end|>", "").replace("<|endoftext|>", ""))
        assert all(str(value) in prompt for value in fields.values())


def test_an_agent_ends_with_its_observation() -> None:
    rng = random.Random(7)
    for _ in range(100):
        whole = text(agent(rng))
        seen = whole.rsplit("Observation: ", 1)[1].split("<|im_end|>")[0]
        assert whole.endswith(f" final: {seen}<|im_end|>\n")


def test_capitals_are_unique_and_sights_are_three() -> None:
    assert len({country.capital for country in COUNTRIES}) == len(COUNTRIES)
    assert all(len(country.sights) == 3 for country in COUNTRIES)


def test_case_names_are_unique() -> None:
    assert len(cases()) > 300


def test_runs_join_neighbours() -> None:
    document: list[Segment] = [given("a"), given("b"), answer("c"), answer("d"), given("e")]
    assert runs(document) == [("ab", False), ("cd", True), ("e", False)]


def test_rows_hold_each_document_once_and_fit() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 60, 300)
    rows = fill_rows(lengths, np.arange(300), 128, rng)
    assert sorted(index for row in rows for index in row) == list(range(300))
    assert all(lengths[row].sum() <= 128 for row in rows)


def test_batches_go_on_where_they_were_cut() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(5, 200, 400)
    total = int(lengths.sum())
    data = Encoded(rng.integers(8, 2048, total), rng.random(total) < 0.5, lengths)
    options = {"repeat_share": 0.5, "repeat_steps": 4, "prompt_share": 0.1}
    whole = batches(data, 2048, 0, 0, **options)
    first = [next(whole) for _ in range(8)]
    later = batches(data, 2048, 0, 5, **options)
    for expected, found in zip(first[5:], later, strict=False):
        assert expected.ids.equal(found.ids)
        assert expected.targets.equal(found.targets)
        assert expected.mask.equal(found.mask)


def test_documents_in_a_row_do_not_see_each_other() -> None:
    lengths = np.array([4, 5, 6])
    data = Encoded(np.arange(8, 23), np.ones(15, np.bool_), lengths)
    batch = next(batches(data, 2048, 0, 0, 0.0, 0, 1.0))
    ids, mask = batch.ids[0], batch.mask[0, 0]
    owner = {
        int(t): n for n, (a, b) in enumerate([(8, 12), (12, 17), (17, 23)]) for t in range(a, b)
    }
    for i, row in enumerate(mask[:15].tolist()):
        for j in range(15):
            same = owner[int(ids[i])] == owner[int(ids[j])]
            assert row[j] == (same and j <= i)
    assert len(batch.targets) == 15 - 3
