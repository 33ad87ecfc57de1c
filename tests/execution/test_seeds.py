"""Seeds: fixed values, no collisions, independence of order."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sglc.execution.seeds import draw_seed, fork_path, gen_key, mix, row_seed, run_seed


def test_values_are_fixed_for_ever() -> None:
    assert gen_key(1, (0, 2), 3) == 1377875056714040569
    assert run_seed(1, (), 0) == 13943513305238369062
    assert row_seed(1, 5) == 7669775546939113467


def test_places_get_different_keys() -> None:
    paths = [(), (0, 0), (0, 1), (1, 0), (0, 0, 0, 0), (0, 10), (10, 0), (1, 0, 0, 0)]
    keys = [gen_key(s, p, i) for s, p, i in itertools.product((0, 1, 10), paths, range(12))]
    seeds = [run_seed(s, p, r) for s, p, r in itertools.product((0, 1, 10), paths, range(12))]
    rows = [row_seed(s, r) for s, r in itertools.product((0, 1, 10), range(12))]
    assert len({*keys, *seeds, *rows}) == len(keys) + len(seeds) + len(rows)


parts = st.lists(st.one_of(st.integers(), st.text(max_size=5)), max_size=5)


@given(parts, parts)
def test_mix_is_injective_on_what_hypothesis_finds(a: list[int | str], b: list[int | str]) -> None:
    assert (mix(*a) == mix(*b)) == (a == b)
    assert 0 <= mix(*a) < 2**64


def test_fork_path_and_draw() -> None:
    assert fork_path((1, 2), 3, 4) == (1, 2, 3, 4)
    assert len({draw_seed() for _ in range(100)}) == 100
