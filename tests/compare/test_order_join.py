"""Parts of two models without common names, paired by what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from archprof.compare.order_join import join, missing
from archprof.records.comparison import Part

if TYPE_CHECKING:
    import random


def part(path: str, flops: int, *shape: int) -> Part:
    return Part(path=path, module="Conv", flops=flops, output_shapes=[list(shape)])


def paths(pairs: list[tuple[Part | None, Part | None]]) -> list[tuple[str | None, str | None]]:
    return [(old.path if old else None, new.path if new else None) for old, new in pairs]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=12), st.randoms(use_true_random=False))
def test_every_part_finds_its_like_in_any_order(kinds: list[tuple[int, int]], order: random.Random) -> None:
    before = [part(f"m{index}", flops, size) for index, (flops, size) in enumerate(kinds)]
    after = [part(f"n{index}", flops, size) for index, (flops, size) in enumerate(kinds)]
    order.shuffle(after)

    pairs = join(before, after)

    assert all(old and new and (old.flops, old.output_shapes) == (new.flops, new.output_shapes) for old, new in pairs)
    assert sorted(new.path for _, new in pairs if new) == sorted(one.path for one in after)


def test_of_equals_the_first_is_the_first() -> None:
    pairs = join([part("a", 2, 4), part("b", 2, 4)], [part("n0", 2, 4), part("n1", 2, 4)])
    assert paths(pairs) == [("a", "n0"), ("b", "n1")]


def test_two_nodes_may_be_one_module_either_way() -> None:
    # The two products of an attention: 3 and 4 FLOPs.
    whole, products = [part("attn", 7, 8), part("out", 9, 8)], [part("n0", 3, 2), part("n1", 4, 8), part("n2", 9, 8)]
    assert paths(join(whole, products)) == [("attn", "n0 + n1"), ("out", "n2")]
    assert paths(join(products, whole)) == [("n0 + n1", "attn"), ("n2", "out")]
    (_, new), _ = join(whole, products)
    assert new is not None
    assert new.flops == 7


def test_what_only_one_has() -> None:
    pairs = join([part("a", 5, 1), part("gone", 2, 1)], [part("n0", 5, 1), part("new", 11, 1)])
    assert [found.path for found in missing(pairs)] == ["gone", "new"]
