"""Which kind of kernel each operation is, and the factors of its work."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof

from .function import Function

if TYPE_CHECKING:
    from collections.abc import Callable


def found(model: nn.Module, *shapes: tuple[int, ...]) -> list[tuple[str, list[int], int]]:
    profile = archprof.profile(model.eval(), tuple(torch.zeros(shape) for shape in shapes))
    return [(work.kind, work.sizes, work.calls) for work in profile.work if work.kind != "nothing"]


IMAGE = (2, 8, 20, 20)


@pytest.mark.parametrize(
    ("convolution", "kind", "sizes"),
    [
        # (channels of a group in and out, groups, kernel, 2 images of H' × W' places)
        (nn.Conv2d(8, 16, 1, bias=False), "1×1 convolution", [8, 16, 1, 1, 800]),
        (nn.Conv2d(8, 16, 1, 2, bias=False), "1×1 strided convolution", [8, 16, 1, 1, 200]),
        (nn.Conv2d(8, 16, 3, 1, 1, bias=False), "3×3 convolution", [8, 16, 1, 9, 800]),
        (nn.Conv2d(8, 16, 3, 2, 1, bias=False), "strided convolution", [8, 16, 1, 9, 200]),
        (nn.Conv2d(8, 16, 5, 1, 2, bias=False), "large convolution", [8, 16, 1, 25, 800]),
        (nn.Conv2d(8, 16, 4, 4, bias=False), "patch convolution", [8, 16, 1, 16, 50]),
        (nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False), "depthwise convolution", [1, 1, 8, 9, 800]),
        (nn.Conv2d(8, 16, 3, 2, 1, groups=8, bias=False), "depthwise strided convolution", [1, 2, 8, 9, 200]),
        (nn.Conv2d(8, 8, 3, 1, 1, groups=2, bias=False), "grouped convolution", [4, 4, 2, 9, 800]),
        (nn.Conv2d(8, 8, 3, 2, 1, groups=2, bias=False), "grouped strided convolution", [4, 4, 2, 9, 200]),
        # A transposed one is laid at every position of its input.
        (nn.ConvTranspose2d(8, 6, 2, 2, bias=False), "transposed convolution", [8, 6, 1, 4, 800]),
    ],
)
def test_convolutions(convolution: nn.Module, kind: str, sizes: list[int]) -> None:
    assert found(convolution, IMAGE) == [(kind, sizes, 1)]
    assert archprof.profile(convolution, torch.zeros(IMAGE)).totals.macs == prod(sizes)


@pytest.mark.parametrize(
    ("function", "shapes", "kind", "sizes"),
    [
        (torch.mm, [(3, 5), (5, 7)], "product", [1, 3, 7, 5]),
        (torch.mm, [(1, 5), (5, 7)], "vector product", [1, 7, 5]),
        (torch.bmm, [(2, 3, 5), (2, 5, 7)], "product", [2, 3, 7, 5]),
        (torch.addmm, [(7,), (3, 5), (5, 7)], "product", [1, 3, 7, 5]),
        (lambda image: functional.max_pool2d(image, 3, 1, 1), [IMAGE], "max_pool2d", [6400, 9]),
        (lambda image: functional.avg_pool2d(image, (2, 4)), [IMAGE], "avg_pool2d", [800, 8]),
        (lambda tokens: tokens.softmax(-1), [(4, 6, 10)], "softmax", [24, 10]),
        (lambda tokens: functional.layer_norm(tokens, (10,)), [(4, 6, 10)], "layer_norm", [24, 10]),
        (lambda left, right: torch.cat((left, right), 1), [IMAGE, IMAGE], "cat", [12800]),
        (lambda image: image.relu_(), [IMAGE], "relu", [6400]),
        (lambda image: image - 1, [IMAGE], "add", [6400]),
        (lambda image: image.permute(0, 2, 3, 1).contiguous(), [IMAGE], "clone", [6400]),
        (lambda image: image.mean((2, 3)), [IMAGE], "mean", [6400]),
        (lambda image: image * image[:, :, :1, :1], [IMAGE], "mul", [6400]),
    ],
)
def test_other_operations(
    function: Callable[..., Any], shapes: list[tuple[int, ...]], kind: str, sizes: list[int]
) -> None:
    assert found(Function(function), *shapes) == [(kind, sizes, 1)]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (torch.mm, [(3, 5), (5, 0)]),
        (torch.bmm, [(0, 3, 5), (0, 5, 7)]),
        (lambda image, weight: functional.conv2d(image, weight), [(2, 8, 4, 4), (0, 8, 1, 1)]),
        (lambda tokens: tokens.softmax(-1), [(4, 0)]),
        (lambda tokens: functional.layer_norm(tokens, (10,)), [(0, 10)]),
    ],
)
def test_what_makes_no_elements_is_no_work(function: Callable[..., Any], shapes: list[tuple[int, ...]]) -> None:
    assert found(Function(function), *shapes) == []


def test_a_sum_of_no_products_fills_its_result() -> None:
    # 3 × 7 zeros.
    assert found(Function(torch.mm), (3, 0), (0, 7)) == [("mm", [21], 1)]


@pytest.mark.skipif(not hasattr(functional, "grouped_mm"), reason="torch has it from 2.10 on")
def test_a_product_by_groups_is_as_many_products_of_equally_many_rows() -> None:
    ends = torch.arange(1, 4, dtype=torch.int32)
    kinds = found(
        Function(lambda rows, matrices: functional.grouped_mm(rows, matrices, offs=ends)), (12, 8), (3, 8, 16)
    )

    # Twelve rows of eight, a third of them times each of the matrices.
    assert ("product", [3, 4, 16, 8], 1) in kinds


def test_attention_is_one_kernel_of_heads_queries_keys_and_width() -> None:
    shapes = [(2, 3, 10, 8), (2, 3, 12, 8), (2, 3, 12, 8)]
    kinds = found(Function(functional.scaled_dot_product_attention), *shapes)

    assert ("attention", [6, 10, 12, 8], 1) in kinds


def test_what_is_alike_is_one_line_with_its_calls() -> None:
    convolution = nn.Conv2d(8, 8, 3, 1, 1, bias=False)
    work = archprof.profile(nn.Sequential(convolution, nn.ReLU(), convolution), torch.zeros(IMAGE)).work

    assert [(one.kind, one.calls) for one in work] == [("3×3 convolution", 2), ("relu", 1)]
    # 2 × 8 × 20 × 20 numbers in and out, and 8 × 8 × 9 weights, of four bytes.
    assert work[0].bytes == 4 * (2 * 6400 + 576)
