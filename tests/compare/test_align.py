from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.compare.align import align, reads_the_same
from archprof.records.comparison import Part


def rows(*sources: tuple[Any, ...]) -> list[Part]:
    """Rows of (module, arguments) or (module, arguments, from)."""
    return [
        Part(index=index, path=f"model.{index}", module=row[0], arguments=[row[1]], from_=list(row[2:]) or [-1])
        for index, row in enumerate(sources)
    ]


A, B, C, D = ("Conv", 1), ("Conv", 2), ("C2f", 3), ("SPPF", 4)


@pytest.mark.parametrize(
    ("before", "after", "indices"),
    [
        pytest.param([A, B], [A, B], [(0, 0), (1, 1)], id="the same"),
        pytest.param([A, C], [A, B, C], [(0, 0), (None, 1), (1, 2)], id="one added"),
        pytest.param([A, B, C], [A, C], [(0, 0), (1, None), (2, 1)], id="one removed"),
        pytest.param([A, B, D], [A, ("Conv", 9), D], [(0, 0), (1, 1), (2, 2)], id="other arguments"),
        pytest.param([A, C, D], [A, ("C3", 3), D], [(0, 0), (1, 1), (2, 2)], id="another module"),
        # Conv goes with Conv, so it is C2f that was added in front of it.
        pytest.param([A, B, D], [A, C, ("Conv", 9), D], [(0, 0), (None, 1), (1, 2), (2, 3)], id="added and changed"),
        pytest.param([], [A], [(None, 0)], id="all new"),
        pytest.param([A], [], [(0, None)], id="all gone"),
    ],
)
def test_rows_are_aligned_as_lines_are(before: list[Any], after: list[Any], indices: list[Any]) -> None:
    assert align(rows(*before), rows(*after)) == indices


@given(*[st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=12)] * 2)
def test_every_row_has_one_place_and_none_changes_order(before: list[Any], after: list[Any]) -> None:
    indices = align(rows(*before), rows(*after))
    assert [old for old, _ in indices if old is not None] == list(range(len(before)))
    assert [new for _, new in indices if new is not None] == list(range(len(after)))
    assert (None, None) not in indices


def test_many_rows_that_all_changed_are_paired_in_their_order() -> None:
    count = 1500
    before = rows(*[("a", index) for index in range(count)])
    after = rows(*[("a", count + index) for index in range(count + 1)])
    assert align(before, after) == [*((index, index) for index in range(count)), (None, count)]


@pytest.mark.timeout(60)  # a second; by the square of their number it would be minutes
def test_many_rows_that_say_the_same() -> None:
    before, after = rows(*[A] * 10_000), rows(*[A] * 5_000, B, *[A] * 5_000)
    indices = align(before, after)
    assert [index for index in indices if None in index] == [(None, 5_000)]


@pytest.mark.parametrize(
    ("before", "after", "became", "unchanged"),
    [
        pytest.param([-1], [-1], {2: 3}, True, id="the row above, whichever it is"),
        pytest.param([-1, 1], [-1, 2], {1: 2}, True, id="the unchanged row, which stands further down"),
        pytest.param([-1, 1], [-1, 1], {1: 2}, False, id="the unchanged number, which is another row now"),
        pytest.param([-1], [-2], {2: 3}, False, id="the row above the one above"),
        pytest.param([-1], [2], {2: 2}, True, id="the unchanged row, written otherwise"),
        pytest.param([-1, 1], [-1], {1: 1}, False, id="fewer rows"),
        pytest.param([1], [1], {}, False, id="a row that was removed"),
    ],
)
def test_what_a_row_reads(before: list[int], after: list[int], became: dict[int, int], unchanged: bool) -> None:
    old, new = (Part(index=3, path="", module="Concat", from_=sources) for sources in (before, after))
    assert reads_the_same(old, new, became) == unchanged
