from __future__ import annotations

from typing import Any

import pytest

from archprof.compare.attribution import explain
from archprof.records.comparison import Change, Difference, Edit, Pair, Part, Side
from archprof.records.profile import Variant
from archprof.render.attribution_text import attribution_text


def part(index: int, side: int) -> Part:
    return Part(
        index=index,
        line=10 + index,
        path=f"model.{index}",
        module="Conv",
        from_=[-1],
        output_shapes=[[1, 8, side, side]],
    )


def change(index: int, mark: str, flops: int, *edits: tuple[str, Any, Any], sides: tuple[int, int] = (8, 8)) -> Change:
    """A row's change in FLOPs, and the side of its square output before and after."""
    before, after = (part(index, side) for side in sides)
    return Change(
        mark=mark,  # type: ignore[arg-type]
        before=None if mark == "+" else before,
        after=None if mark == "-" else after,
        edits=[Edit(field=name, before=old, after=new) for name, old, new in edits],
        flops=flops,
    )


def sentences(
    *changes: Change, outside: int = 0, differences: tuple[Difference, ...] = (), after: str = "new.yaml"
) -> str:
    total = sum(entry.flops for entry in changes) + outside
    nothing = dict.fromkeys(("parameters", "elementwise_flops", "bytes_read", "bytes_written"), 0)
    result = explain(changes, differences, {**nothing, "flops": total})
    pair = Pair(
        before=0, after=1, differences=[*differences], metrics=[], parts="rows", changes=[*changes], explanations=result
    )
    (sentence,) = attribution_text(pair, side("old.yaml"), side(after))
    return sentence


def side(path: str) -> Side:
    variant = Variant(name=path, reference=path, origin="yaml", path=path)
    return Side(name=path, variant=variant, input=None, device=None, training=False, metrics={})


STRIDE = ("stride", 2, 1)
SCALE = Difference(name="scale", before="n", after="s")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            [change(0, "~", 9, STRIDE, sides=(4, 8)), change(1, "x", 91, sides=(4, 8))],
            "row 0 Conv changed from stride 2 to 1 (new.yaml:10): "
            "91 % of the +100 FLOPs is downstream of it, 9 % its own",
            id="downstream",
        ),
        pytest.param(
            [change(0, "~", 0, STRIDE, sides=(4, 8)), change(1, "x", 100, sides=(4, 8))],
            "row 0 Conv changed from stride 2 to 1 (new.yaml:10): 100 % of the +100 FLOPs is downstream of it",
            id="all downstream",
        ),
        pytest.param(
            [change(0, "~", -60, ("module", "DSConv", "Conv")), change(1, "~", -40, ("repeats", 4, 2))],
            "row 0 Conv was DSConv (new.yaml:10): 60 % of the -100 FLOPs",
            id="most",
        ),
        pytest.param([change(0, "+", 7)], "row 0 Conv was added (new.yaml:10): 100 % of the +7 FLOPs", id="added"),
        pytest.param(
            [change(0, "-", -7)], "Conv was removed (row 0 of old.yaml:10): 100 % of the -7 FLOPs", id="removed"
        ),
        pytest.param(
            [change(0, "~", 7, ("from", [-1, 4], [-1, 5]))],
            "row 0 Conv reads -1,5, where it read -1,4 of old.yaml (new.yaml:10): 100 % of the +7 FLOPs",
            id="from",
        ),
        pytest.param(
            [change(0, "~", 7, ("from", [-1, 4], [-1, 4]))],
            "row 0 Conv reads other rows by the same numbers (-1,4) (new.yaml:10): 100 % of the +7 FLOPs",
            id="numbers that were not moved",
        ),
        pytest.param(
            [change(index, "~", 25, ("arguments", [8, 1], [8, 3])) for index in range(4)],
            "4 changed rows account for +100 FLOPs: row 0 Conv changed from [8, 1] to [8, 3] (new.yaml:10) "
            "(25 %); "
            "row 1 Conv changed from [8, 1] to [8, 3] (new.yaml:11) (25 %); "
            "row 2 Conv changed from [8, 1] to [8, 3] (new.yaml:12) (25 %); 1 more (25 %)",
            id="many",
        ),
        pytest.param(
            [change(0, "~", 120, ("channels", 8, 16)), change(1, "~", -20, ("channels", 16, 8))],
            "2 changed rows account for +100 FLOPs: "
            "row 0 Conv changed from 8 to 16 channels (new.yaml:10) (+120 FLOPs); "
            "row 1 Conv changed from 16 to 8 channels (new.yaml:11) (-20 FLOPs)",
            id="both ways",
        ),
        pytest.param(
            [change(0, "x", 10)],
            "row 0 Conv is the same in both files, so its block's code must have changed: 100 % of the +10 FLOPs",
            id="another block",
        ),
    ],
)
def test_a_difference_is_explained(changes: list[Change], sentence: str) -> None:
    assert sentences(*changes) == sentence


def test_rows_of_a_pruned_checkpoint() -> None:
    assert sentences(change(0, "x", -10), after="runs/best.pt") == (
        "row 0 Conv says the same in both files, and its tensors in runs/best.pt have other shapes: "
        "100 % of the -10 FLOPs"
    )


def test_what_is_in_no_row() -> None:
    assert sentences(change(0, "=", 0), outside=5) == "nothing in the rows: the +5 FLOPs is outside of them"


def test_what_no_row_made() -> None:
    assert sentences(change(0, "x", 5), differences=(SCALE,)) == "scale n → s: 100 % of the +5 FLOPs"


def test_rows_that_changed_go_before_what_else_differs() -> None:
    assert (
        sentences(change(0, "+", 5), differences=(SCALE,))
        == "row 0 Conv was added (new.yaml:10): 100 % of the +5 FLOPs"
    )
