from __future__ import annotations

import pytest
from rich.cells import cell_len

from archprof.render.layout import continued, painter, table_lines
from archprof.render.table import Column, Table

COUNTERS = ("thop-2.0", "ultralytics", "thop", "fvcore", "torch", "ptflops", "torchinfo", "calflops", "torchprofile")


def ratios(*models: str) -> Table:
    """A line a model, and a column a counter, none of which can be left out or cut."""
    columns = (Column("model", "model", min_width=12), *(Column(name, name, number=True) for name in COUNTERS))
    return Table(
        columns, tuple((model, *(f"×{index}.123" for index, _ in enumerate(COUNTERS))) for model in models), "model"
    )


@pytest.mark.parametrize("width", [80, 40, 30])
def test_a_table_that_is_too_wide_goes_on_below(width: int) -> None:
    table = ratios("yolo11n", "a-model-with-a-rather-long-name")
    blocks = [table_lines(part, width, painter(color=False)) for part in continued(table, width)]
    assert len(blocks) > 1
    assert max(cell_len(line) for block in blocks for line in block) <= width
    assert all(block[0].split()[0] == "model" and block[1].startswith("yolo11n") for block in blocks)
    # Each column once, in the order of the table, and each with its own numbers.
    assert [name for block in blocks for name in block[0].split()[1:]] == list(COUNTERS)
    numbers = [text for block in blocks for text in block[1].split()[1:]]
    assert numbers == [f"×{index}.123" for index, _ in enumerate(COUNTERS)]


def test_a_table_that_fits_is_one() -> None:
    table = ratios("yolo11n")
    # 12 of the model's column, 8 + 11 + 6·4 + 7 + 9 + 8 + 12 of the counters', and two between each two of ten.
    assert continued(table, 7 + 79 + 18) == [table]
    droppable = Table((table.columns[0], Column("flops", "FLOPs"), Column("note", "note", droppable=True)),
                      (("yolo11n", "1", "n" * 60),), "model")  # fmt: skip
    assert continued(droppable, 40) == [droppable]  # what may be left out is left out
