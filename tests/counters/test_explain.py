"""From the exact count to a counter's figure, on amounts that can be added up in the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.counters.explain import Cost, Exact, explain, other_images
from archprof.counters.interface import Item

if TYPE_CHECKING:
    from archprof.records.audit import Difference

CONV = "aten.convolution"
EXACT = Exact(
    costs={
        "stem": {CONV: Cost(100, 1, True)},
        "mix": {CONV: Cost(40, 2, True), "aten.bmm": Cost(30, 4, False)},
    },
    types={"stem": "Conv2d", "mix": "Mixer", "norm": "BatchNorm2d"},
    biases={"stem": 10},
    rows={"stem": 0, "mix": 1},
)


def told(differences: list[Difference]) -> list[tuple[str, str, str, int, str | None]]:
    return [(one.kind, one.operation, one.why, one.macs, one.module) for one in differences]


def test_a_counter_that_is_right_needs_no_explanation() -> None:
    items = [
        Item("stem", "conv", 100, "convolution"),
        Item("mix", "conv", 40, "convolution"),
        Item("mix", "bmm", 30, "product"),
    ]
    assert explain(EXACT, items, 170, "") == []


def test_what_is_left_out_and_what_is_added() -> None:
    items = [Item("stem", "Conv2d", 100, "module"), Item("norm", "BatchNorm2d", 8, "module")]
    assert told(explain(EXACT, items, 108, "")) == [
        ("missed", CONV, "not counted", -40, "mix"),
        ("missed", "aten.bmm", "not counted", -30, "mix"),
        ("added", "BatchNorm2d", "adds", 8, "norm"),
    ]


def test_a_difference_says_where_it_is() -> None:
    first, *_ = explain(EXACT, [Item("stem", "Conv2d", 100, "module")], 100, "")
    assert (first.calls, first.type, first.row) == (2, "Mixer", 1)


def test_one_operation_is_not_set_off_against_another() -> None:
    # 30 too many for the convolutions, 30 too few for the products: two differences, not none.
    items = [Item("stem", "conv", 100, "convolution"), Item("mix", "conv", 70, "convolution")]
    assert told(explain(EXACT, items, 170, "")) == [
        ("added", CONV, "counted too high", 30, "mix"),
        ("missed", "aten.bmm", "not counted", -30, "mix"),
    ]


def test_times_and_biases_and_less() -> None:
    def of_stem(macs: int) -> list[tuple[str, str, str, int, str | None]]:
        rest = [Item("mix", "Mixer", 70, "module")]
        return told(explain(EXACT, [Item("stem", "Conv2d", macs, "module"), *rest], macs + 70, ""))

    assert of_stem(400) == [("repeated", CONV, "counted 4 times", 300, "stem")]
    assert of_stem(110) == [("added", "bias", "adds", 10, "stem")]
    assert of_stem(120) == [("added", CONV, "counted too high", 20, "stem")]
    assert of_stem(60) == [("missed", CONV, "counted too low", -40, "stem")]


def test_elementwise_work_in_a_module_with_products() -> None:
    items = [
        Item("stem", "conv", 100, "convolution"),
        Item("mix", "conv", 40, "convolution"),
        Item("mix", "bmm", 30, "product"),
        Item("mix", "softmax", 5, None),
    ]
    assert told(explain(EXACT, items, 175, "")) == [("added", "softmax", "adds", 5, "mix")]


def test_what_the_parts_do_not_say_is_said_to_be_unexplained() -> None:
    items = [Item("stem", "Conv2d", 100, "module"), Item("mix", "Mixer", 70, "module")]
    assert told(explain(EXACT, items, 150, "it rounds")) == [("unexplained", "", "it rounds", -20, None)]
    # Of a counter that tells no parts nothing is known but the difference.
    assert told(explain(EXACT, [], 150, "it does not say")) == [("unexplained", "", "it does not say", -20, None)]


def test_the_other_images_of_a_batch() -> None:
    # Per-sample weights: their mixing grows with the batch as everything does.
    one = Exact(costs={"stem": {CONV: Cost(25, 1, True)}, "mix": {CONV: Cost(10, 2, True)}})
    assert told(list(other_images(EXACT, one))) == [
        ("missed", CONV, "in the other images of the batch", -75, "stem"),
        ("missed", CONV, "in the other images of the batch", -30, "mix"),
        ("missed", "aten.bmm", "in the other images of the batch", -30, "mix"),
    ]
    assert list(other_images(EXACT, EXACT)) == []
