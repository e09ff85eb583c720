"""What changes between two files, as a diff shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from archprof.compare.comparing import compare
from archprof.records.profile import (
    Coverage,
    Environment,
    Input,
    Layer,
    Profile,
    TopLevelKey,
    Totals,
    Variant,
)
from archprof.render.source_lines import CONTEXT, changed_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST_LINE = 10
"""The line of the first row in every file here."""


def profile_of(modules: Sequence[str], keys: Mapping[str, TopLevelKey] | None = None) -> Profile:
    """A model with a row for each module, each with ten parameters."""
    layers = [
        Layer(index=index, from_=[-1], module=name, path=f"model.{index}", line=FIRST_LINE + index, parameters=10,
              yaml_row=[-1, 1, name, [64]], output_shapes=[[1, 64]])
        for index, name in enumerate(modules)
    ]  # fmt: skip
    totals = msgspec.structs.replace(Totals(**dict.fromkeys(Totals.__struct_fields__, 0)), parameters=10 * len(layers))
    return Profile(
        variant=Variant(name="small", reference="small.yaml", origin="yaml", top_level=dict(keys or {})),
        input=Input(shapes=[[1, 3, 32, 32]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11", platform="Linux", packages={}),
        totals=totals,
        coverage=Coverage(operations=1, counted=1, free=0),
        layers=layers,
    )


def diff(before: Profile, after: Profile) -> list[tuple[str, int | None, str]]:
    (pair,) = compare([before, after]).pairs
    return [(line.mark, line.number, line.text) for line in changed_lines(pair)]


def test_a_changed_row_stands_with_its_neighbours() -> None:
    before = profile_of(["Conv"] * 9)
    after = profile_of([*["Conv"] * 5, "C3k2", *["Conv"] * 3], {"experts": TopLevelKey(value=4, line=2)})
    # Rows 0 to 2 are further than two rows from row 5, and stand in one line; after it there are three: two are shown,
    # and the third by itself, as a line that says "one row" would be as long.
    assert diff(before, after) == [
        ("+", 2, "experts: 4"),
        ("", None, "… 3 rows that are the same in both files"),
        ("", 13, "- [-1, 1, 'Conv', [64]]"),
        ("", 14, "- [-1, 1, 'Conv', [64]]"),
        ("-", 15, "- [-1, 1, 'Conv', [64]]"),
        ("+", 15, "- [-1, 1, 'C3k2', [64]]"),
        ("", 16, "- [-1, 1, 'Conv', [64]]"),
        ("", 17, "- [-1, 1, 'Conv', [64]]"),
        ("", 18, "- [-1, 1, 'Conv', [64]]"),
    ]


def test_the_same_file_has_no_diff() -> None:
    assert diff(profile_of(["Conv"] * 9), profile_of(["Conv"] * 9)) == []


@given(
    st.lists(st.sampled_from("ABC"), min_size=1, max_size=14), st.lists(st.sampled_from("ABC"), min_size=1, max_size=14)
)
def test_a_diff_leads_from_one_file_to_the_other(before: list[str], after: list[str]) -> None:
    lines = diff(profile_of(before), profile_of(after))
    if before == after:
        assert lines == []
        return
    hidden = sum(int(text.split()[1]) for _, number, text in lines if number is None)
    shown = {mark: [text for sign, number, text in lines if sign == mark and number] for mark in ("-", "+", "")}
    # Every row of each file is shown, or among those that are counted.
    assert len(shown["-"]) + len(shown[""]) + hidden == len(before)
    assert len(shown["+"]) + len(shown[""]) + hidden == len(after)
    # What is marked is what one file has more of than the other, so that the rows of each name come out even.
    for name in "ABC":
        row = f"- [-1, 1, '{name}', [64]]"
        assert before.count(name) - shown["-"].count(row) == after.count(name) - shown["+"].count(row)
    assert all(number is None or number >= FIRST_LINE for _, number, _ in lines)
    longest, length = 0, 0
    for mark, _, _ in lines:
        length = 0 if mark else length + 1
        longest = max(longest, length)
    assert longest <= 2 * CONTEXT + 1
