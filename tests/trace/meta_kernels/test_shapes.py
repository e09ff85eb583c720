"""Every result worked out directly is the one that torch gives on the CPU, or None."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from archprof.trace.meta_kernels.registry import META_KERNELS

aten = torch.ops.aten
MOST = settings(max_examples=80, deadline=None)


@st.composite
def tensors(draw: st.DrawFn, rank: int | None = None, shape: tuple[int, ...] | None = None) -> torch.Tensor:
    """A tensor as networks have them: contiguous, permuted, channels last, a slice, or expanded."""
    if shape is None:
        rank = draw(st.integers(1, 4)) if rank is None else rank
        shape = tuple(draw(st.lists(st.integers(1, 5), min_size=rank, max_size=rank)))
    rank = len(shape)
    kind = draw(st.sampled_from(["contiguous", "permuted", "slice", "expanded", "channels_last"]))
    if kind == "permuted":
        order = draw(st.permutations(range(rank)))
        stored = torch.ones([shape[dim] for dim in order])
        return stored.permute([order.index(dim) for dim in range(rank)])
    if kind == "slice":
        dim = draw(st.integers(0, rank - 1))
        wide = list(shape)
        wide[dim] += draw(st.integers(1, 3))
        return torch.ones(wide).narrow(dim, draw(st.integers(0, 1)), shape[dim])
    if kind == "expanded":
        narrow = [1 if draw(st.booleans()) else size for size in shape]
        return torch.ones(narrow).expand(shape)
    if kind == "channels_last" and rank == 4:
        return torch.ones(shape).to(memory_format=torch.channels_last)
    return torch.ones(shape)


def on_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, (list, tuple)):
        return type(value)(on_meta(item) for item in value)
    return value


def layout(tensor: torch.Tensor) -> Any:
    """Shape, dtype, and the strides that matter: those of dimensions larger than 1."""
    strides = [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]
    return tuple(tensor.shape), tensor.dtype, strides if tensor.numel() else None


def agrees(operation: Any, *arguments: Any, **keywords: Any) -> bool:
    """Hold the result against the CPU's; False where the function left the operation to torch."""
    mine = META_KERNELS[operation](*on_meta(arguments), **keywords)
    if mine is None:
        return False
    real = operation(*arguments, **keywords)
    pairs = [(mine, real)] if isinstance(real, torch.Tensor) else zip(mine, real, strict=True)
    for got, expected in pairs:
        assert got.is_meta
        assert layout(got) == layout(expected), operation
    return True


@MOST
@given(tensors())
def test_functions_of_one_tensor(tensor: torch.Tensor) -> None:
    for operation in (aten.silu.default, aten.relu.default, aten.gelu.default, aten.hardswish.default):
        assert agrees(operation, tensor)


def test_every_function_of_one_tensor_is_known_to_torch_on_the_cpu() -> None:
    tensor = torch.full((2, 3), 0.5)
    unary = META_KERNELS[aten.silu.default]
    for operation in [operation for operation, function in META_KERNELS.items() if function is unary]:
        needs_a_number = "Scalar" in str(operation) or "clamp" in str(operation)
        extra = (2.0,) if needs_a_number else ()
        assert agrees(operation, tensor, *extra)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Two tensors that broadcast."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    sides = []
    for _ in range(2):
        side = tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in shape)
        side = side[draw(st.integers(0, len(side) - 1)) if draw(st.booleans()) else 0 :]
        sides.append(draw(tensors(shape=side)))
    return sides[0], sides[1]


@MOST
@given(pairs())
def test_functions_of_two_tensors(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    for operation in (aten.add.Tensor, aten.mul.Tensor, aten.div.Tensor):
        agrees(operation, *pair)


def test_a_number_and_a_slice_are_not_left_to_torch() -> None:
    assert agrees(aten.mul.Tensor, torch.ones(2, 3), 2.0)
    assert agrees(aten.add.Tensor, torch.ones(1, 4, 3, 3)[:, :2], torch.ones(1, 2, 3, 3))
    assert agrees(aten.sub.Tensor, torch.ones(3, 2).t().unsqueeze(0), torch.ones(1, 4, 3)[:, :2])


def test_a_sum_of_different_dtypes_is_left_to_torch() -> None:
    assert not agrees(aten.add.Tensor, torch.ones(2), torch.ones(2, dtype=torch.int64))
    assert not agrees(aten.add.Tensor, torch.ones(2, dtype=torch.int64), 0.5)


NUMBERS = st.one_of(st.integers(-9, 9), st.floats(-9, 9, allow_subnormal=False))


@MOST
@given(NUMBERS, NUMBERS, st.one_of(st.integers(1, 4), st.floats(0.25, 4)), st.booleans(), st.booleans())
def test_a_range(start: float, distance: float, step: float, typed: bool, down: bool) -> None:
    step = -step if down else step
    end = start - abs(distance) if down else start + abs(distance)
    keywords = {"dtype": torch.float32} if typed else {}
    for arguments in ((start, end), (start, end, step))[down:]:
        operation = aten.arange.start_step if len(arguments) == 3 else aten.arange.start
        mine = META_KERNELS[operation](*arguments, device="meta", **keywords)
        assert layout(mine) == layout(operation(*arguments, device="cpu", **keywords))
    assert layout(META_KERNELS[aten.arange.default](abs(end), device="meta")) == layout(torch.arange(abs(end)))


@MOST
@given(st.lists(st.integers(0, 4), max_size=4), st.sampled_from([None, torch.int64, torch.float16]))
def test_a_tensor_of_one_number(size: list[int], dtype: torch.dtype | None) -> None:
    for operation in (aten.ones.default, aten.zeros.default):
        keywords = {"dtype": dtype, "pin_memory": False}
        assert layout(META_KERNELS[operation](size, device="meta", **keywords)) == layout(operation(size, **keywords))
        assert META_KERNELS[operation](size, device="cpu", **keywords) is None


VIEWS: list[tuple[Any, tuple[Any, ...]]] = [
    (aten.view.default, ((6, 20),)),
    (aten.view.default, ((2, 3, -1),)),
    (aten._unsafe_view.default, ((24, 5),)),
    (aten.expand.default, ((7, 2, 3, 4, 5),)),
    (aten.permute.default, ((3, 0, 2, 1),)),
    (aten.transpose.int, (1, -1)),
    (aten.unsqueeze.default, (-1,)),
    (aten.squeeze.dim, (0,)),
    (aten.select.int, (2, -1)),
    (aten.detach.default, ()),
    (aten.clone.default, ()),
]


@pytest.mark.parametrize(("operation", "parameters"), VIEWS)
def test_a_view(operation: Any, parameters: tuple[Any, ...]) -> None:
    tensor = torch.ones(2, 3, 4, 5)
    keywords = {"memory_format": torch.contiguous_format} if operation is aten.clone.default else {}
    assert agrees(operation, tensor, *parameters, **keywords)


def test_a_transposed_matrix() -> None:
    assert agrees(aten.t.default, torch.ones(2, 3))


def test_a_copy_that_keeps_its_layout_is_left_to_torch() -> None:
    for keywords in ({}, {"memory_format": torch.preserve_format}, {"memory_format": torch.channels_last}):
        assert META_KERNELS[aten.clone.default](torch.ones(1, 2, 3, 4, device="meta"), **keywords) is None


def test_a_range_with_values_or_without_end_is_left_to_torch() -> None:
    assert META_KERNELS[aten.arange.default](3, device="cpu") is None
    assert META_KERNELS[aten.arange.start_step](3, 1, 1, device="meta") is None
    assert META_KERNELS[aten.arange.start_step](3, 1, 0, device="meta") is None


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Any, ...]:
    rank = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    inside, outside = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    transposed = draw(st.booleans())
    several = st.lists(st.integers(1, 2), min_size=rank, max_size=rank)
    kernel, stride, dilation = (
        draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)),
        draw(several),
        draw(several),
    )
    padding = draw(st.lists(st.integers(0, 1), min_size=rank, max_size=rank))
    size = draw(st.lists(st.integers(5, 8), min_size=rank, max_size=rank))
    # torch wants the extra of a transposed convolution smaller than its stride or dilation.
    extra = [draw(st.integers(0, max(s, d) - 1)) if transposed else 0 for s, d in zip(stride, dilation, strict=True)]
    weight = (inside, outside // groups, *kernel) if transposed else (outside, inside // groups, *kernel)
    input_ = draw(tensors(shape=(draw(st.integers(1, 2)), inside, *size)))
    return input_, torch.ones(weight), None, stride, padding, dilation, transposed, extra, groups


@MOST
@given(convolutions())
def test_convolutions(arguments: tuple[Any, ...]) -> None:
    agrees(aten.convolution.default, *arguments)


def test_a_convolution_of_channels_last_is_not_left_to_torch() -> None:
    image = torch.ones(1, 4, 8, 8).to(memory_format=torch.channels_last)
    for weight, padding, groups in (
        (torch.ones(6, 4, 1, 1), 0, 1),
        (torch.ones(6, 2, 3, 3), 1, 2),
        (torch.ones(4, 1, 7, 7), 3, 4),
    ):
        assert agrees(aten.convolution.default, image, weight, None, [1], [padding], [1], False, [0], groups)


def test_a_contiguous_convolution_is_not_left_to_torch_and_a_wrong_one_is() -> None:
    image, rest = torch.ones(1, 4, 8, 8), ([1, 1], [1, 1], [1, 1], False, [0, 0], 2)
    assert agrees(aten.convolution.default, image, torch.ones(6, 2, 3, 3), None, *rest)
    assert not agrees(aten.convolution.default, image, torch.ones(6, 3, 3, 3), None, *rest)


@MOST
@given(st.data())
def test_normalisations_and_softmax(data: st.DataObject) -> None:
    image = data.draw(tensors(rank=4))
    channels = torch.ones(image.shape[1])
    statistics = (channels, channels, channels, channels, False, 0.1, 1e-5)
    agrees(aten.native_batch_norm.default, image, *statistics)
    n, c, h, w = image.shape
    agrees(aten.native_group_norm.default, image, channels, channels, n, c, h * w, 1, 1e-5)
    agrees(aten.native_layer_norm.default, image, [w], None, None, 1e-5)
    assert agrees(aten._softmax.default, image, data.draw(st.integers(-4, 3)), False)


@MOST
@given(st.data())
def test_matrix_products(data: st.DataObject) -> None:
    n, k, m, b = (data.draw(st.integers(1, 5)) for _ in range(4))
    left, right = data.draw(tensors(shape=(n, k))), data.draw(tensors(shape=(k, m)))
    assert agrees(aten.mm.default, left, right)
    assert agrees(aten.addmm.default, torch.ones(m), left, right)
    assert agrees(aten.bmm.default, data.draw(tensors(shape=(b, n, k))), data.draw(tensors(shape=(b, k, m))))


@pytest.mark.skipif(not hasattr(aten, "_grouped_mm"), reason="torch 2.8 brought it")
@pytest.mark.parametrize(("dtype", "wide"), [(torch.float32, 8), (torch.bfloat16, 16)])
def test_grouped_products(dtype: torch.dtype, wide: int) -> None:
    left, right = torch.ones(6, 16, dtype=dtype), torch.ones(3, 16, wide, dtype=dtype)
    assert agrees(aten._grouped_mm.default, left, right, torch.tensor([4, 4, 6], dtype=torch.int32))


@MOST
@given(st.data())
def test_joining(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    parts = [data.draw(tensors(shape=shape)) for _ in range(data.draw(st.integers(1, 3)))]
    agrees(aten.cat.default, parts, data.draw(st.integers(-len(shape), len(shape) - 1)))
    agrees(aten.stack.default, parts, data.draw(st.integers(-len(shape) - 1, len(shape))))


@MOST
@given(st.data())
def test_pooling_resizing_and_reduction(data: st.DataObject) -> None:
    image = data.draw(tensors(shape=(1, data.draw(st.integers(1, 3)), *data.draw(st.tuples(*[st.integers(4, 9)] * 2)))))
    kernel, stride = [data.draw(st.integers(2, 3))], data.draw(st.sampled_from([[], [1], [2, 3]]))
    rounding = data.draw(st.booleans())
    agrees(aten.max_pool2d_with_indices.default, image, kernel, stride, [1], [1], rounding)
    agrees(aten.avg_pool2d.default, image, kernel, stride, [1], rounding)
    agrees(aten._adaptive_avg_pool2d.default, image, [2, 3])
    agrees(aten.upsample_nearest2d.default, image, [7, 5], None, None)
    agrees(aten.upsample_bilinear2d.default, image, [7, 5], False, None, None)
    dims = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    for operation in (aten.mean.dim, aten.sum.dim_IntList, aten.amax.default):
        agrees(operation, image, dims, data.draw(st.booleans()))


@pytest.mark.parametrize("operation", [aten.silu_.default, aten.relu_.default])
def test_what_happens_in_place_gives_the_same_tensor(operation: Any) -> None:
    tensor = torch.empty(2, device="meta")
    assert META_KERNELS[operation](tensor) is tensor


@MOST
@given(st.data())
def test_attention_s_odds_and_ends(data: st.DataObject) -> None:
    scores = data.draw(tensors(rank=3))
    assert agrees(aten._safe_softmax.default, scores, -1)
    assert agrees(aten.roll.default, scores, [1], [data.draw(st.integers(0, 2))])
    assert agrees(aten.tril.default, scores)
    assert agrees(aten.mul.Scalar, scores, 2.0)
    agrees(aten.pow.Scalar, 2.0, scores)
    assert agrees(aten.gt.Scalar, scores, 0.5)
    mask = scores > 0
    assert agrees(aten.bitwise_and.Tensor, mask, mask)
    assert agrees(aten.bitwise_not.default, mask)
    assert agrees(aten.mul.Tensor, mask, scores)
    agrees(aten.masked_fill.Scalar, scores, mask[..., :1], 0.0)
    assert agrees(aten.all.dim, mask, -1, data.draw(st.booleans()))
    assert agrees(aten.where.self, mask, scores, data.draw(tensors(shape=tuple(scores.shape))))
    assert agrees(aten.where.self, mask, torch.tensor(1.0), torch.tensor(0.0))


@MOST
@given(st.data())
def test_looking_up(data: st.DataObject) -> None:
    table, rows = data.draw(tensors(rank=2)), torch.zeros(data.draw(st.integers(1, 3)), 2, dtype=torch.int64)
    assert agrees(aten.embedding.default, table, rows)
    agrees(aten.index.Tensor, table, [rows])
    image, grid = data.draw(tensors(shape=(2, 3, 4, 5))), data.draw(tensors(shape=(2, 7, 6, 2)))
    assert agrees(aten.grid_sampler_2d.default, image, grid, 0, 0, False)
