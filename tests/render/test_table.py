from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from archprof.errors import UsageError
from archprof.render import Page
from archprof.render.formats import FORMATS
from archprof.render.report import Report
from archprof.render.table import Column, Table, find_column, table_of


@dataclass(frozen=True)
class Part:
    name: str
    parameters: int
    seconds: float | None


COLUMNS = (
    Column("name", "name", min_width=6),
    Column("parameters", "params", show="{:,}".format, number=True, adds=True, aliases=("p",)),
    Column("duration_s", "time", lambda part: part.seconds, show="{:.3f} s".format, number=True, absent="–"),
)

PARTS = st.lists(
    st.builds(
        Part,
        name=st.text("abc_|&%$ü", min_size=1, max_size=30),
        parameters=st.integers(0, 10**12),
        seconds=st.none() | st.floats(1e-6, 1e3),
    ),
    min_size=1,
    max_size=20,
)


FIGURES = re.compile(r" ([\d,]+) +(?:[\d.]+ s|–)$")


def parameters(line: str) -> int:
    """The figure before the time, or before the dash that stands for none."""
    (figure,) = FIGURES.findall(line)
    return int(figure.replace(",", ""))


ALIKE = st.builds("{}{}{}".format, st.sampled_from(["yolov13-", ""]), st.text("ab", max_size=30), st.just("-Dynamic"))


@given(st.lists(ALIKE, min_size=2, max_size=8, unique=True), st.integers(40, 100))
def test_names_that_differ_still_differ_where_they_are_cut(names: list[str], width: int) -> None:
    parts = [Part(name, 10**9, None) for name in names]
    text = FORMATS["text"].render(Report(tables=[table_of(COLUMNS, parts, "name")]), Page(width=width))
    shown: list[str] = []
    for line in text.splitlines()[1:]:
        assert cell_len(line) <= width
        if FIGURES.search(line):
            shown.append(line.split()[0])
        else:
            shown[-1] += line.strip()
    assert len({*shown}) == len(names)


def test_arguments_are_folded_and_not_cut() -> None:
    columns = (
        Column("name", "name", min_width=6),
        Column("parameters", "params", number=True),
        Column("arguments", "arguments", lambda part: "64, [128, 256], True, " * 3 + "None", min_width=9, wraps=True),
    )
    for width in (40, 60, 160):
        text = FORMATS["text"].render(
            Report(tables=[table_of(columns, [Part("Conv", 1, None)], "name")]), Page(width=width)
        )
        assert max(map(cell_len, text.splitlines())) <= width
        assert " ".join(text.split()[3:]) == "Conv 1 " + "64, [128, 256], True, " * 3 + "None"


@given(PARTS, st.none() | st.integers(1, 25), st.sampled_from(["name", "parameters", "time"]), st.integers(40, 120))
def test_what_is_printed_adds_up_to_the_printed_total(
    parts: list[Part], top: int | None, sort: str, width: int
) -> None:
    table = table_of(COLUMNS, parts, "name").with_total().sorted_by(sort).top(top)
    lines = FORMATS["text"].render(Report(tables=[table]), Page(width=width)).splitlines()[1:]
    *visible, total = map(parameters, filter(FIGURES.search, lines))  # a name may go on below its figures
    assert sum(visible) == total == sum(part.parameters for part in parts)
    assert len(visible) == (len(parts) if top is None or top >= len(parts) else top + 1)


@given(PARTS, st.integers(1, 25))
def test_csv_is_read_back_to_the_same_numbers(parts: list[Part], top: int) -> None:
    table = table_of(COLUMNS, parts, "name").with_total().top(top)
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].render(Report(data=table), Page()))))
    records = parts[:top]
    assert [row["name"] for row in rows] == [part.name for part in records]
    assert [int(row["parameters"]) for row in rows] == [part.parameters for part in records]
    assert [float(row["duration_s"]) if row["duration_s"] else None for row in rows] == [
        part.seconds for part in records
    ]


@given(PARTS, st.integers(20, 60))
def test_numbers_are_never_cut(parts: list[Part], width: int) -> None:
    text = FORMATS["text"].render(Report(tables=[table_of(COLUMNS, parts, "name")]), Page(width=width))
    # A table that is too wide goes on below: its first block has the parameters, its last the times.
    blocks = [block.splitlines()[1:] for block in text.removesuffix("\n").split("\n\n")]
    assert len(blocks) in (1, 2)
    for part, first, last in zip(parts, blocks[0], blocks[-1], strict=True):
        assert f"{part.parameters:,}" in first
        if part.seconds is not None:
            assert last.endswith(f"{part.seconds:.3f} s")


def test_columns_go_by_key_title_or_alias() -> None:
    assert {find_column(COLUMNS, name).key for name in ("parameters", "PARAMS", "p")} == {"parameters"}
    with pytest.raises(UsageError, match="no column 'parmeters' to sort by\ndid you mean parameters"):
        find_column(COLUMNS, "parmeters")


def wide(*columns: Column) -> Table:
    return Table(columns, (("a name of some length", "words that may go on below", "123,456"),), label="name")


def test_columns_give_way_in_their_order() -> None:
    name, number = Column("name", "name", min_width=8), Column("number", "number", number=True)

    def lines(text: Column, width: int) -> list[str]:
        return FORMATS["text"].render(Report(tables=[wide(name, text, number)]), Page(width=width)).splitlines()[1:]

    assert lines(Column("text", "text", wraps=True), 40) == [
        "a name … words that may go on    123,456",
        "         below",
    ]
    assert lines(Column("text", "text", droppable=True), 40) == ["a name of some length  123,456"]
    assert max(map(cell_len, lines(Column("text", "text", min_width=5), 24))) <= 24


WIDE = Table(
    (
        Column("name", "name", row_style=lambda name: "bad" if name == "broken" else None),
        Column("flops", "FLOPs", number=True),
        Column("bytes", "bytes", number=True, visible=False, wide=True),
        Column("text", "text", visible=False, wide=True),
    ),
    (("good", 1, 2, "x" * 60), ("broken", 3, 4, "y" * 60)),
    "name",
)


@pytest.mark.parametrize(
    ("width", "cut", "titles"),
    [
        (80, True, ["name", "FLOPs"]),
        (120, True, ["name", "FLOPs"]),
        (140, True, ["name", "FLOPs", "bytes", "text"]),
        (140, False, ["name", "FLOPs"]),
    ],
)
def test_a_wide_terminal_shows_further_columns(width: int, cut: bool, titles: list[str]) -> None:
    report = Report(tables=[WIDE])
    head, *_ = FORMATS["text"].render(report, Page(width=width, cut=cut)).splitlines()
    assert head.split() == titles


def test_a_further_column_that_does_not_fit_is_left_out_and_the_next_one_tried() -> None:
    first, second, third, fourth = WIDE.columns
    records = tuple((name, flops, "z" * 200, text) for name, flops, _, text in WIDE.records)
    table = Table((first, second, third, fourth), records, "name")
    head, *_ = FORMATS["text"].render(Report(tables=[table]), Page(width=140, cut=True)).splitlines()
    assert head.split() == ["name", "FLOPs", "text"]


def test_colour_marks_what_fails_alone() -> None:
    lines = FORMATS["text"].render(Report(tables=[WIDE]), Page(width=80, color=True)).splitlines()
    assert [bool(re.search(r"\x1b\[[\d;]*3\dm", line)) for line in lines] == [False, False, True]
