"""Batches on disk: order, holes after an interrupt, lines that are not JSON."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.cli import rows
from sglc.diagnostics.core import UsageError


def lines(file: io.StringIO) -> list[int]:
    return [json.loads(line)["row"] for line in file.getvalue().splitlines()]


@given(st.permutations(range(8)), st.integers(0, 8))
def test_rows_are_written_in_order_as_soon_as_may_be(order: list[int], count: int) -> None:
    file = io.StringIO()
    writer = rows.OrderedWriter(file)
    finished: set[int] = set()
    for index in order[:count]:
        writer.add(index, {"row": index})
        finished.add(index)
        prefix = next(i for i in range(9) if i not in finished)
        assert lines(file) == list(range(prefix))
    writer.close()
    assert lines(file) == sorted(finished)
    assert writer.written == count


def test_every_row_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with rows.open_output(str(path)) as file:
        rows.OrderedWriter(file).add(0, {"text": "é"})
        assert path.read_text(encoding="utf-8") == '{"text": "é"}\n'


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n3\n', encoding="utf-8")
    good, bad, number = rows.read(str(path))
    assert (good, number) == ({"a": 1}, 3)
    assert bad == rows.BadRow("line 3 is not JSON: Expecting value at column 7")


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no such file"):
        rows.read(str(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match="not UTF-8"):
        rows.read(str(tmp_path / "bytes"))
    with (
        pytest.raises(UsageError, match="cannot write"),
        rows.open_output(str(tmp_path / "no" / "out.jsonl")),
    ):
        pass
