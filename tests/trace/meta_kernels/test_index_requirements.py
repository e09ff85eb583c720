"""As test_generated.py, of what picks, reduces and looks into memory otherwise, for which there are checks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from hypothesis import HealthCheck, given, settings
from torch import nn

import archprof
from archprof.errors import RunError

from .test_generated import DIMS, DTYPES, Call, compared, laid_out, near, shapes, tensors

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten

PICKED: dict[Any, st.SearchStrategy[Call]] = {}
"""Operation -> the arguments to call it with."""

FLOAT = st.just(torch.float32)
INDEX_TYPES = st.sampled_from(
    [torch.int64] * 6 + [torch.int32, torch.int16, torch.uint8, torch.bool, torch.float32, torch.complex64]
)
TYPES = st.one_of(FLOAT, FLOAT, FLOAT, DTYPES)
SOME = st.integers(1, 3)


def calls(*operations: Any) -> Callable[[Callable[..., Call]], Callable[..., Call]]:
    """Enter how arguments of some operations are drawn."""

    def add(draw_call: Callable[..., Call]) -> Callable[..., Call]:
        PICKED.update(dict.fromkeys(operations, st.composite(draw_call)()))
        return draw_call

    return add


def zeros(draw: st.DrawFn, shape: Any) -> torch.Tensor:
    """Indices: zeros, which are within whatever is not empty."""
    return torch.zeros_like(draw(laid_out(draw(near(tuple(shape))), draw(INDEX_TYPES))))


@st.composite
def picked(draw: st.DrawFn) -> tuple[torch.Tensor, int, torch.Tensor, tuple[int, ...]]:
    """A tensor, a dimension, indices along it, and the shape of what they pick."""
    shape = draw(st.one_of(shapes(draw(st.integers(1, 3)), SOME), shapes(sizes=st.integers(0, 3))))
    dim = draw(st.one_of(st.integers(0, max(len(shape) - 1, 0)), DIMS))
    count = draw(st.integers(0, 3))
    result = list(shape)
    if -len(shape) <= dim < len(shape):
        result[dim] = count
    return draw(tensors(shape, TYPES)), dim, zeros(draw, (count,)), tuple(result)


@calls(aten.index_select.default)
def _(draw: st.DrawFn) -> Call:
    return draw(picked())[:3], {}


@calls(aten.index_fill.int_Scalar)
def _(draw: st.DrawFn) -> Call:
    return (*draw(picked())[:3], draw(st.sampled_from([0, 1.5]))), {}


@calls(aten.index_add.default, aten.index_copy.default)
def _(draw: st.DrawFn) -> Call:
    tensor, dim, index, shape = draw(picked())
    source = draw(tensors(near(shape), st.one_of(st.just(tensor.dtype), st.just(tensor.dtype), TYPES)))
    return (tensor, dim, index, source), {}


@calls(aten.gather.default)
def _(draw: st.DrawFn) -> Call:
    tensor, dim, _, shape = draw(picked())
    return (tensor, dim, zeros(draw, shape)), {}


@calls(aten.scatter.src, aten.scatter_add.default)
def _(draw: st.DrawFn) -> Call:
    tensor, dim, _, shape = draw(picked())
    source = draw(tensors(near(shape), st.one_of(st.just(tensor.dtype), st.just(tensor.dtype), TYPES)))
    return (tensor, dim, zeros(draw, shape), source), {}


@calls(aten.take.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(shapes(sizes=st.integers(0, 3)), TYPES)), zeros(draw, draw(shapes(sizes=SOME)))), {}


@calls(aten.embedding.default)
def _(draw: st.DrawFn) -> Call:
    table = draw(tensors(st.sampled_from([(3, 4), (3, 4), (1, 2), (0, 4), (3,)]), TYPES))
    return (table, zeros(draw, draw(shapes(sizes=SOME)))), {}


@calls(aten.index_put.default)
def _(draw: st.DrawFn) -> Call:
    tensor = draw(tensors(shapes(draw(st.integers(1, 3)), SOME), TYPES))
    count = draw(SOME)
    index = zeros(draw, (count,))
    results = st.one_of(st.just((count, *tensor.shape[1:])), st.just(()), st.just((2, *tensor.shape)))
    if index.dtype in (torch.bool, torch.uint8):  # how many a mask picks depends on its values
        results = st.just(())
    values = draw(tensors(draw(results), st.one_of(st.just(tensor.dtype), st.just(tensor.dtype), TYPES)))
    return (tensor, [index], values), {}


@calls(aten.nll_loss_forward.default)
def _(draw: st.DrawFn) -> Call:
    rows, classes = draw(SOME), draw(SOME)
    scores = draw(tensors(near((rows, classes)), TYPES))
    weight = draw(st.one_of(st.none(), tensors(near((classes,)), TYPES)))
    return (scores, zeros(draw, (rows,)), weight, draw(st.integers(0, 2)), -100), {}


@calls(aten.where.self)
def _(draw: st.DrawFn) -> Call:
    shape = draw(shapes(sizes=SOME))
    masks = st.sampled_from([torch.bool, torch.bool, torch.uint8, torch.int64, torch.float32])
    condition = draw(laid_out(draw(near(shape)), draw(masks)))
    return (condition, draw(tensors(near(shape), TYPES)), draw(tensors(near(shape), TYPES))), {}


@calls(*(getattr(aten, name).dim for name in ("max", "min", "median", "nanmedian")), aten.mode.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(shapes(sizes=st.integers(0, 2)), DTYPES)), draw(DIMS)), {}


@calls(aten.max.default, aten.min.default, aten.median.default, aten.argmax.default, aten.aminmax.default)
def _(draw: st.DrawFn) -> Call:
    return (draw(tensors(shapes(sizes=st.integers(0, 2)), DTYPES)),), {}


@calls(aten.as_strided.default)
def _(draw: st.DrawFn) -> Call:
    rank = draw(st.integers(0, 3))
    sizes, strides = (draw(st.lists(st.integers(0, 3), min_size=rank, max_size=rank)) for _ in range(2))
    return (draw(tensors(dtype=DTYPES)), sizes, strides, draw(st.one_of(st.none(), st.integers(0, 8)))), {}


@calls(*(getattr(aten, name).Tensor for name in ("lt", "ge", "remainder", "fmod", "bitwise_xor")))
@calls(aten.atan2.default, aten.gcd.default, aten.hypot.default, aten.bitwise_left_shift.Tensor, aten.logaddexp.default)
def _(draw: st.DrawFn) -> Call:
    shape, dtype = draw(shapes(sizes=SOME)), draw(DTYPES)
    return (draw(laid_out(shape, dtype)), draw(tensors(near(shape), st.one_of(st.just(dtype), DTYPES)))), {}


def test_every_operation_is_drawn_with_arguments_right_and_wrong() -> None:
    assert len(PICKED) > 25


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("examples", [60, pytest.param(600, marks=pytest.mark.full)])
@pytest.mark.parametrize("operation", PICKED, ids=str)
def test_the_answer_is_that_of_the_cpu(operation: Any, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(PICKED[operation])
    def check(call: Call) -> None:
        disagreement = compared(operation, call, enabled=True)
        assert disagreement is None, disagreement

    check()


class Table(nn.Module):
    """Picks by indices that the model holds, so that their values are known without running it."""

    def __init__(self, operation: Callable[..., Any], index: list[int]) -> None:
        super().__init__()
        self.operation = operation
        self.register_buffer("index", torch.tensor(index))

    def forward(self, x: torch.Tensor) -> Any:
        return self.operation(x, self.index)


KNOWN: dict[str, Callable[..., Any]] = {
    "index": lambda x, i: x[i],
    "index_select": lambda x, i: x.index_select(0, i),
    "index_add": lambda x, i: x.index_add(0, i, x[:1]),
    "index_copy": lambda x, i: x.index_copy(0, i, x[:1]),
    "index_fill": lambda x, i: x.index_fill(0, i, 0.0),
    "index_put": lambda x, i: x.index_put((i,), x[0]),
    "gather": lambda x, i: x.gather(0, i[:, None]),
    "scatter": lambda x, i: x.scatter(0, i[:, None], 1.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i[:, None], x),
    "take": torch.take,
    "put": lambda x, i: x.put(i, x[0, :1]),
    "embedding": lambda x, i: F.embedding(i, x),
    "nll_loss": lambda x, i: F.nll_loss(x[:1], i),
    "cross_entropy": lambda x, i: F.cross_entropy(x[:1], i),
    "multi_margin_loss": lambda x, i: F.multi_margin_loss(x[:1], i),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_indices_are_those_that_torch_takes(name: str) -> None:
    x = torch.ones(4, 5)
    for index in (-100, -21, -20, -5, -4, -1, 0, 3, 4, 5, 19, 20):
        model = Table(KNOWN[name], [index])
        try:
            model(x)
        except (IndexError, RuntimeError):
            with pytest.raises(RunError):
                archprof.profile(model, (x,))
        else:
            archprof.profile(model, (x,))
