"""A model that torch refuses on the CPU is refused, and one that it runs has the shapes that it gives there.

Models are a few functions put one after the other, with arguments right and wrong. ``ARCHPROF_FUZZ`` says how many.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from archprof.errors import RunError
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = int(os.environ.get("ARCHPROF_FUZZ", "200"))

DIM = st.sampled_from([0, 1, -1, -2, 2, 3, -4, 4, 5, -6])
SIZE = st.sampled_from([1, 2, 3, 4, 0, -1])
SIZES = st.lists(SIZE, max_size=4)
SMALL = st.sampled_from([1, 1, 2, 3, 0])
PAD = st.sampled_from([0, 0, 1, 2])
DTYPE = st.sampled_from(
    [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64]
)

# How many tensors a function takes, what it does with them and with what was drawn, and what is drawn.
STEPS: dict[str, tuple[int, Callable[..., Any], tuple[st.SearchStrategy[Any], ...]]] = {
    "cat": (2, lambda x, y, d: torch.cat([x, y], d), (DIM,)),
    "stack": (2, lambda x, y, d: torch.stack([x, y], d), (DIM,)),
    "add": (2, lambda x, y: x + y, ()),
    "subtract": (2, lambda x, y: x - y, ()),
    "mul": (2, lambda x, y: x * y, ()),
    "divide": (2, lambda x, y: x / y, ()),
    "power": (2, lambda x, y: x**y, ()),
    "compare": (2, lambda x, y: x > y, ()),
    "where": (3, lambda c, x, y: torch.where(c, x, y), ()),
    "masked_fill": (2, lambda x, y: x.masked_fill(y, 0.0), ()),
    "add in place": (2, lambda x, y: x.clone().add_(y), ()),
    "multiply a view in place": (2, lambda x, y: x.clone()[:1].expand(*x.shape).mul_(y), ()),
    "relu of an expanded tensor in place": (1, lambda x: x[:1].clone().expand(3, *x.shape[1:]).relu_(), ()),
    "add overlapping": (1, lambda x: x.clone().view(-1)[1:].add_(x.clone().view(-1)[:-1]), ()),
    "matmul": (2, torch.matmul, ()),
    "mm": (2, torch.mm, ()),
    "bmm": (2, torch.bmm, ()),
    "linear": (2, F.linear, ()),
    "linear with a bias": (3, F.linear, ()),
    "baddbmm": (3, torch.baddbmm, ()),
    "einsum": (2, lambda x, y: torch.einsum("...ij,...jk->...ik", x, y), ()),
    "conv2d": (2, lambda x, w, s, p, d, g: F.conv2d(x, w, None, s, p, d, g), (SMALL, PAD, SMALL, SMALL)),
    "conv2d with a bias": (3, lambda x, w, b, p: F.conv2d(x, w, b, 1, p), (PAD,)),
    "conv1d": (2, lambda x, w, s: F.conv1d(x, w, None, s), (SMALL,)),
    "conv_transpose2d": (
        2,
        lambda x, w, s, p, o, g: F.conv_transpose2d(x, w, None, s, p, o, g),
        (SMALL, PAD, PAD, SMALL),
    ),
    "max_pool2d": (1, lambda x, k, s, p: F.max_pool2d(x, k, s, p), (SMALL, SMALL, PAD)),
    "avg_pool2d": (1, lambda x, k, s, p: F.avg_pool2d(x, k, s, p), (SMALL, SMALL, PAD)),
    "adaptive_avg_pool2d": (1, lambda x, s: F.adaptive_avg_pool2d(x, s), (SMALL,)),
    "interpolate": (
        1,
        lambda x, s, m: F.interpolate(x, scale_factor=s, mode=m),
        (SMALL, st.sampled_from(["nearest", "bilinear", "linear"])),
    ),
    "unfold": (1, lambda x, k, p: F.unfold(x, k, padding=p), (SMALL, PAD)),
    "pixel_shuffle": (1, lambda x, f: F.pixel_shuffle(x, f), (SMALL,)),
    "pixel_unshuffle": (1, lambda x, f: F.pixel_unshuffle(x, f), (SMALL,)),
    "pad": (1, lambda x, p, m: F.pad(x, (p, p), m), (PAD, st.sampled_from(["constant", "reflect", "replicate"]))),
    "layer_norm": (2, lambda x, w: F.layer_norm(x, x.shape[-1:], w), ()),
    "group_norm": (2, lambda x, w, g: F.group_norm(x, g, w), (SMALL,)),
    "batch_norm": (3, lambda x, m, v: F.batch_norm(x, m, v), ()),
    "softmax": (1, lambda x, d: x.softmax(d), (DIM,)),
    "log_softmax": (1, lambda x, d: x.log_softmax(d), (DIM,)),
    "mean": (1, lambda x, d, k: x.mean(d, k), (st.one_of(DIM, st.lists(DIM, max_size=3)), st.booleans())),
    "sum": (1, lambda x, d: x.sum(d), (st.one_of(DIM, st.lists(DIM, max_size=3)),)),
    "amax": (1, lambda x, d: x.amax(d), (st.one_of(DIM, st.lists(DIM, max_size=3)),)),
    "max": (1, lambda x, d: x.max(d)[0], (DIM,)),
    "std": (1, lambda x, d: x.std(d), (DIM,)),
    "all": (1, lambda x, d: x.all(d), (DIM,)),
    "argmax": (1, lambda x, d: x.argmax(d), (DIM,)),
    "topk": (1, lambda x, k, d: x.topk(k, d)[0], (SMALL, DIM)),
    "sort": (1, lambda x, d: x.sort(d)[0], (DIM,)),
    "cumsum": (1, lambda x, d: x.cumsum(d), (DIM,)),
    "flip": (1, lambda x, d: x.flip(d), (DIM,)),
    "roll": (1, lambda x, s, d: x.roll(s, d), (SMALL, DIM)),
    "view": (1, lambda x, s: x.view(s), (SIZES,)),
    "reshape": (1, lambda x, s: x.reshape(s), (SIZES,)),
    "expand": (1, lambda x, s: x.expand(s), (SIZES,)),
    "transpose": (1, lambda x, d, e: x.transpose(d, e), (DIM, DIM)),
    "permute": (1, lambda x, d: x.permute(d), (st.lists(DIM, max_size=4),)),
    "unsqueeze": (1, lambda x, d: x.unsqueeze(d), (DIM,)),
    "squeeze": (1, lambda x, d: x.squeeze(d), (DIM,)),
    "select": (1, lambda x, d, i: x.select(d, i), (DIM, SIZE)),
    "narrow": (1, lambda x, d, s, n: x.narrow(d, s, n), (DIM, SIZE, SIZE)),
    "chunk": (1, lambda x, n, d: x.chunk(n, d)[-1], (SMALL, DIM)),
    "split": (1, lambda x, n, d: x.split(n, d)[0], (st.one_of(SMALL, st.lists(SMALL, max_size=2)), DIM)),
    "repeat": (1, lambda x, s: x.repeat(s), (SIZES,)),
    "tril": (1, torch.tril, ()),
    "index": (1, lambda x, i: x[:, i], (SIZE,)),
    "index by a tensor": (2, lambda x, i: x[zeros(i)], ()),
    "index_select": (2, lambda x, i, d: x.index_select(d, zeros(i)), (DIM,)),
    "index_select of the first": (1, lambda x, d: x.index_select(d, torch.tensor([0])), (DIM,)),
    "index_add": (2, lambda x, y, d: x.index_add(d, torch.tensor([0]), y), (DIM,)),
    "index_fill beyond the end": (1, lambda x, d, i: x.index_fill(d, torch.tensor([i]), 0), (DIM, SIZE)),
    "index_put": (2, lambda x, y: x.index_put((torch.tensor([0]),), y), ()),
    "gather": (2, lambda x, i, d: x.gather(d, zeros(i)), (DIM,)),
    "gather beyond the end": (1, lambda x, d, i: x.gather(d, torch.full([1] * x.ndim, i)), (DIM, SIZE)),
    "scatter": (3, lambda x, i, y, d: x.scatter(d, zeros(i), y), (DIM,)),
    "take": (2, lambda x, i: x.take(zeros(i)), ()),
    "take beyond the end": (1, lambda x, i: x.take(torch.tensor([40 * i])), (SIZE,)),
    "embedding": (2, lambda i, w: F.embedding(zeros(i), w), ()),
    "embedding beyond the end": (1, lambda w, i: F.embedding(torch.tensor([i]), w), (SIZE,)),
    "cross_entropy of the first class": (1, lambda x: F.cross_entropy(x, torch.zeros(len(x)).long()), ()),
    "nll_loss beyond the end": (1, lambda x, i: F.nll_loss(x, torch.full((len(x),), i)), (SIZE,)),
    "as_strided": (1, lambda x, s, n: x.as_strided(s, [1] * len(s), n), (SIZES, SIZE)),
    "where by what was drawn": (3, lambda c, x, y: torch.where(c.to(torch.uint8), x, y), ()),
    "gelu": (1, F.gelu, ()),
    "silu": (1, F.silu, ()),
    "hardswish": (1, F.hardswish, ()),
    "sigmoid": (1, torch.sigmoid, ()),
    "clamp from 0 to 1": (1, lambda x: x.clamp(0, 1), ()),
    "less than 1": (1, lambda x: x < 1, ()),
    "maximum": (2, torch.maximum, ()),
    "argmax of all": (1, torch.argmax, ()),
    "max of all": (1, torch.max, ()),
    "median": (1, lambda x, d: x.median(d)[0], (DIM,)),
    "nothing of a dimension": (1, lambda x: x[:0], ()),
    "to": (1, lambda x, t: x.to(t), (DTYPE,)),
    "attention": (3, F.scaled_dot_product_attention, ()),
    "attention with a mask": (4, lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m), ()),
    "grid_sample": (2, lambda x, g: F.grid_sample(x, g, align_corners=False), ()),
    "glu": (1, lambda x, d: F.glu(x, d), (DIM,)),
    "celu": (1, lambda x, a: F.celu(x, a), (PAD,)),
    "clamp": (1, lambda x, a: x.clamp(a, None), (st.sampled_from([None, 0.0, -1e9]),)),
}


def zeros(tensor: torch.Tensor) -> torch.Tensor:
    """Zeros of a tensor's shape and type: indices within whatever is not empty, where they are whole numbers."""
    return torch.zeros_like(tensor)


class Chain(nn.Module):
    """Functions, each of tensors that are there already: the inputs, and what those before it gave."""

    def __init__(self, steps: list[tuple[str, list[int], list[Any]]]) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
        pool = list(tensors)
        for name, places, drawn in self.steps:
            pool.append(STEPS[name][1](*[pool[place % len(pool)] for place in places], *drawn))
        return pool[len(tensors) :]


SHAPES = st.sampled_from(
    [(2, 4, 6, 6), (2, 4, 6, 6), (4, 4, 3, 3), (4,), (2, 4, 6), (4, 6), (6, 6), (1, 4, 1, 1), (2, 0, 6)]
)
INPUTS = st.lists(
    st.tuples(SHAPES, st.one_of(st.just(torch.float32), st.just(torch.float32), DTYPE)), min_size=2, max_size=4
)


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[str, list[int], list[Any]]]:
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(STEPS)))
        count, _, parameters = STEPS[name]
        steps.append(
            (name, [draw(st.integers(0, 6)) for _ in range(count)], [draw(parameter) for parameter in parameters])
        )
    return steps


def shapes(result: Any) -> list[Any]:
    return [(tuple(tensor.shape), tensor.dtype) for tensor in flat(result)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(600 + CASES)
@hypothesis.settings(
    max_examples=CASES, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)
@given(steps=chains(), inputs=INPUTS)
def test_what_torch_refuses_is_refused(steps: Any, inputs: list[tuple[tuple[int, ...], torch.dtype]]) -> None:
    model = Chain(steps)
    tensors = tuple(torch.ones(shape, dtype=dtype) for shape, dtype in inputs)
    try:
        with torch.no_grad():
            expected = shapes(model(*tensors))
    except Exception as error:
        if "'Half'" in str(error):
            return  # on another device it may be
        with pytest.raises(RunError):
            trace(model, tensors)
        return
    try:
        recorded = trace(model, tensors)
    except DataDependentError:
        return  # it is run with values
    assert [(tensor.shape, tensor.dtype) for tensor in recorded.calls[0].outputs] == expected
