"""MACs as functions of shapes, against a count that walks every index."""

from __future__ import annotations

from itertools import product

import hypothesis.strategies as st
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from hypothesis import given, settings

from archprof.count import macs


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, int], bool]:
    rank = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    transposed = draw(st.booleans())
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    weight = (inside, outside // groups, *kernel) if transposed else (outside, inside // groups, *kernel)
    size = draw(st.lists(st.integers(5, 6), min_size=rank, max_size=rank))
    options = {"stride": draw(st.integers(1, 2)), "dilation": draw(st.integers(1, 2)), "groups": groups}
    return (draw(st.integers(1, 2)), inside, *size), weight, options, transposed


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_convolution_against_a_walk(
    case: tuple[tuple[int, ...], tuple[int, ...], dict[str, int], bool],
) -> None:
    # On an input and a weight of ones every product adds exactly 1, so without padding the sum of the output is
    # the number of products that were made.
    input_, weight, options, transposed = case
    run = getattr(F, f"conv{'_transpose' if transposed else ''}{len(input_) - 2}d")
    output = run(torch.ones(input_), torch.ones(weight), **options)
    assert macs.convolution(input_, weight, tuple(output.shape), transposed=transposed) == int(output.sum().item())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=0, max_size=2), *[st.integers(1, 6)] * 3)
def test_matrix_product_against_a_walk(batch: list[int], n: int, k: int, m: int) -> None:
    walked = sum(1 for _ in product(*(range(size) for size in (*batch, n, k, m))))
    assert macs.matrix_product((*batch, n, k), (*batch, k, m)) == walked


def test_attention() -> None:
    # 2 samples, 3 heads, 5 queries, 7 keys, 4 and 6 wide: 2·3·5·7·4 = 840 products for the scores, and
    # 2·3·5·7·6 = 1260 for the values.
    assert macs.attention((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)) == 840 + 1260
