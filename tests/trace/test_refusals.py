"""What torch refuses is refused: models that are broken in one place each, as torch itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn

import archprof
from archprof.builder.options import Options
from archprof.errors import RunError
from archprof.pipeline.counting import profile_spec
from archprof.sources.yaml_file import load
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

aten = torch.ops.aten

X = torch.zeros(1, 8, 16, 16)
IDS = torch.zeros(2, 3, dtype=torch.int64)
BIAS, WEIGHT = torch.zeros(5), torch.zeros(4, 8, 3, 3)


class Call(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class WithNumbers(nn.Module):
    """A layer whose parameters were replaced by hand."""

    def __init__(self, layer: nn.Module, **parameters: torch.Tensor) -> None:
        super().__init__()
        self.layer = layer
        for name, tensor in parameters.items():
            setattr(layer, name, nn.Parameter(tensor))

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.layer(*inputs)


BROKEN_FUNCTIONS: dict[str, Callable[[torch.Tensor], Any]] = {
    # dimensions
    "mean over dimension 4 of 4": lambda x: x.mean(4),
    "mean over dimension 1 twice": lambda x: x.mean((1, -3)),
    "amax over dimension 6": lambda x: x.amax(6),
    "cat along dimension 5": lambda x: torch.cat([x, x], 5),
    "cat along dimension -5": lambda x: torch.cat([x, x], -5),
    "cat of several ranks": lambda x: torch.cat([x, x[0]], 0),
    "stack along dimension 9": lambda x: torch.stack([x, x], 9),
    "softmax along dimension 4": lambda x: x.softmax(4),
    "log_softmax along dimension -5": lambda x: x.log_softmax(-5),
    "sort along dimension 7": lambda x: x.sort(7)[0],
    "index_select along dimension 7": lambda x: x.index_select(7, torch.tensor([0])),
    "roll along dimension 4": lambda x: x.roll(1, 4),
    "roll by two along one": lambda x: x.roll((1, 2), 3),
    "any over dimension 4": lambda x: (x > 0).any(4),
    "select beyond the end": lambda x: x.select(1, 8),
    "permute with a dimension twice": lambda x: x.permute(0, 1, 2, 2),
    "a view of another size": lambda x: x.view(7, -1),
    "tril of a vector": lambda x: x[0, 0, 0].tril(),
    # types
    "masked_fill by floats": lambda x: x.masked_fill(x, 0.0),
    "masked_fill beyond half precision": lambda x: x.half().masked_fill(x > 0, -1e9),
    "where by floats": lambda x: torch.where(x, x, x),
    "product of float and half": lambda x: x[0, 0] @ x[0, 0].half(),
    "batched product of float and double": lambda x: x[0] @ x[0].double(),
    "addmm of float and double": lambda x: torch.addmm(x[0, 0].double(), x[0, 0], x[0, 0]),
    "vector times matrix of another type": lambda x: x[0, 0, 0] @ x[0, 0].double(),
    "difference of masks": lambda x: (x > 0) - (x > 1),
    "a mask minus numbers": lambda x: (x > 0) - x,
    "relu of a mask": lambda x: torch.relu(x > 0),
    "standard deviation of integers": lambda x: x.long().std(),
    "in-place sum of floats into integers": lambda x: x.long().add_(x),
    "a division into integers": lambda x: x.long().div_(x.long() + 1),
    "bitwise and of floats": lambda x: x & x,
    "indexing by floats": lambda x: x[:, x[0, :, 0, 0]],
    "index_add of another type": lambda x: x.index_add(1, torch.tensor([0]), x[:, :1].double()),
    "index_copy by int32": lambda x: x.index_copy(1, torch.tensor([0], dtype=torch.int32), x[:, :1]),
    "softmax of integers": lambda x: x.long().softmax(1),
    "gelu of integers": lambda x: F.gelu(x.long()),
    "silu of integers": lambda x: F.silu(x.int()),
    "hardswish of bytes": lambda x: F.hardswish(x.to(torch.uint8)),
    "average pooling of masks": lambda x: F.avg_pool2d(x > 0, 2),
    "bilinear resizing of integers": lambda x: F.interpolate(x.long(), scale_factor=2, mode="bilinear"),
    "clamp of complex numbers": lambda x: x.to(torch.complex64).clamp(0, 1),
    "complex numbers below 1": lambda x: x.to(torch.complex64) < 1,
    "product of masks": lambda x: (x > 0)[0] @ (x > 0)[0],
    "index_select by floats": lambda x: x.index_select(1, x[0, :, 0, 0]),
    "index_put of another type": lambda x: x.index_put((torch.tensor([0]),), x.double()),
    "normalised by another type": lambda x: F.layer_norm(x, (16,), torch.zeros(16).double()),
    "a convolution of another type": lambda x: F.conv2d(x, WEIGHT.double()),
    "a grid of another type": lambda x: F.grid_sample(x, torch.zeros(1, 2, 2, 2).double(), align_corners=False),
    # sizes and settings
    "bias of 5 for 4 channels": lambda x: F.conv2d(x, WEIGHT, BIAS),
    "bias of two dimensions": lambda x: F.conv2d(x, WEIGHT, torch.zeros(1, 4)),
    "linear with a long bias": lambda x: F.linear(x, torch.zeros(4, 16), BIAS),
    "linear of other features": lambda x: F.linear(x, torch.zeros(4, 15)),
    "no dilation": lambda x: F.conv2d(x, WEIGHT, dilation=0),
    "no stride": lambda x: F.conv2d(x, WEIGHT, stride=0),
    "padding below zero": lambda x: F.conv2d(x, WEIGHT, padding=-1),
    "a kernel larger than the image": lambda x: F.conv2d(x, torch.zeros(4, 8, 17, 17)),
    "three groups of eight channels": lambda x: F.conv2d(x, torch.zeros(6, 2, 3, 3), groups=3),
    "an output padding too large": lambda x: F.conv_transpose2d(x, torch.zeros(8, 4, 3, 3), stride=2, output_padding=2),
    "pooling padded by more than half": lambda x: F.max_pool2d(x, 2, padding=2),
    "pooling beyond the image": lambda x: F.avg_pool2d(x, 17),
    "unfold padded below zero": lambda x: F.unfold(x, 3, padding=-1),
    "group norm of three groups": lambda x: F.group_norm(x, 3),
    "layer norm of another shape": lambda x: F.layer_norm(x, (8,)),
    "batch norm of other channels": lambda x: F.batch_norm(x, torch.zeros(7), torch.ones(7)),
    "celu with alpha 0": lambda x: F.celu(x, 0.0),
    "gelu by an unknown name": lambda x: F.gelu(x, approximate="sigmoid"),
    "clamp without bounds": lambda x: x.clamp(),
    "pixel_unshuffle by 3": lambda x: F.pixel_unshuffle(x, 3),
    "a grid for another batch": lambda x: F.grid_sample(x, torch.zeros(2, 2, 2, 2), align_corners=False),
    "a sum of 16 and 15": lambda x: x + x[..., :15],
    "index_select by a matrix": lambda x: x.index_select(1, torch.tensor([[0]])),
    "index_put of another shape": lambda x: x.index_put((torch.tensor([0]),), x[..., :15]),
    "the maximum of nothing": lambda x: x[:0].max(0),
    "amax of nothing": lambda x: x[:0].amax(0),
    "argmax of nothing": lambda x: x[:0].argmax(0),
    "take beyond the end": lambda x: x.take(torch.tensor([2048])),
    "embedding beyond the end": lambda x: F.embedding(torch.tensor([16]), x[0, 0]),
    "classes beyond the end": lambda x: F.nll_loss(x[0, 0], torch.full((16,), 16)),
    "a list beyond the end": lambda x: x[:, [8]],
    "a list before the beginning": lambda x: x[:, [-9]],
    "two lists, one beyond the end": lambda x: x[[0, 0], [7, 9]],
    "a range beyond the end": lambda x: x[:, range(9)],
    "an array beyond the end": lambda x: x[:, np.array([8])],
    "a list of lists beyond the end": lambda x: x[:, [[0, 1], [7, 8]]],
    "numbers set beyond the end": lambda x: x.clone().__setitem__((slice(None), [8]), 0.0),
    "bags that do not begin at the first index": lambda x: F.embedding_bag(IDS[0], x[0, 0], torch.tensor([1, 2])),
    "bags beyond the last index": lambda x: F.embedding_bag(IDS[0], x[0, 0], torch.tensor([0, 4])),
    # what only a GPU computes, and what none does
    "a driver for singular values": lambda x: torch.linalg.svd(x, driver="gesvd"),
    "a spectrum of 15 in half precision": lambda x: torch.fft.rfft(x[..., :15].half()),
    "a spectrum of 15 × 16 in half precision": lambda x: torch.fft.fft2(x[:, :, :15].half()),
    "a spectrum of bfloat16": lambda x: torch.fft.fft(x.bfloat16()),
    # what the CPU's own kernels are asked
    "pivots of another length": lambda x: torch.lu_unpack(x[0, 0], x[0, 0, 0, :3].int()),
    "a histogram of other dimensions": lambda x: torch.histogramdd(x[0, 0], bins=[3, 3]),
    "mvlgamma of no dimension": lambda x: torch.mvlgamma(x, 0),
    "a sorter of floats": lambda x: torch.searchsorted(x[0, 0], x[0, 0], sorter=x[0, 0]),
    "attention with dropout below zero": lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=-0.5),
    "indices of floats to embedding's gradient": lambda x: aten.embedding_dense_backward(
        x[0, 0], x[0, 0, 0], 9, -1, False
    ),
    # memory
    "as_strided beyond the storage": lambda x: x.as_strided((16, 16), (1, 1), 2040),
    "relu_ of an expanded tensor": lambda x: x[:, :1].clone().expand(1, 8, 16, 16).relu_(),
    "add_ to an expanded tensor": lambda x: x[:, :1].clone().expand(1, 8, 16, 16).add_(x),
    "copy_ to an expanded tensor": lambda x: x[:, :1].clone().expand(1, 8, 16, 16).copy_(x),
    "add_ of the neighbours": lambda x: (lambda y: y[1:].add_(y[:-1]))(x.clone().view(-1)),
    "mul_ to a smaller shape": lambda x: x[:, :1].clone().mul_(x),
}
BROKEN_LAYERS: dict[str, tuple[nn.Module, tuple[Any, ...]]] = {
    "embedding of floats": (nn.Embedding(10, 4), (torch.zeros(2, 3),)),
    "linear of doubles on floats": (nn.Linear(8, 4).double(), (torch.zeros(2, 8),)),
    "convolution of halves on floats": (nn.Conv2d(8, 4, 1).half(), (X,)),
    "batch norm of doubles on floats": (nn.BatchNorm2d(8).double().eval(), (X,)),
    "layer norm of doubles on floats": (nn.LayerNorm(16).double(), (X,)),
    "linear on integers": (nn.Linear(3, 4), (IDS,)),
    "a linear layer's bias replaced": (WithNumbers(nn.Linear(16, 4), bias=torch.zeros(5)), (X,)),
    "a convolution's bias replaced": (WithNumbers(nn.Conv2d(8, 4, 1), bias=torch.zeros(5)), (X,)),
    "a layer norm's weight replaced": (WithNumbers(nn.LayerNorm(16), weight=torch.zeros(15)), (X,)),
    "attention with a mask of integers": (
        nn.MultiheadAttention(8, 2, batch_first=True),
        (torch.zeros(2, 3, 8), torch.zeros(2, 3, 8), torch.zeros(2, 3, 8), None, True, torch.zeros(3, 3).long()),
    ),
}
BROKEN = {name: (Call(function), (X,)) for name, function in BROKEN_FUNCTIONS.items()} | BROKEN_LAYERS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BROKEN)
def test_what_torch_refuses_is_refused(name: str) -> None:
    model, inputs = BROKEN[name]
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError, ZeroDivisionError, AssertionError)):
        model(*inputs)
    with pytest.raises(RunError):
        archprof.profile(model, inputs)


TAKEN: dict[str, Callable[[torch.Tensor], Any]] = {
    "where by a mask of bytes": lambda x: torch.where((x > 0).to(torch.uint8), x, x),
    "as_strided up to the end": lambda x: x[:, 1:].as_strided((4, 4), (4, 1), 0),
    "the maximum of nothing in a dimension that is there": lambda x: x[:0].max(1)[0],
    "average pooling of integers": lambda x: F.avg_pool2d(x.long(), 2),
    "classes that are ignored": lambda x: F.nll_loss(x[0, 0], torch.full((16,), -100)),
    "the first and the last of a list": lambda x: x[:, [0, -8, 7]],
    "numbers set by a list": lambda x: x.clone().__setitem__(([0], [7]), 1.0) or x,
    "lists beside a slice": lambda x: x[0, [[0, 1], [2, 3]], 1:3, [0, 1]],
    "an empty list": lambda x: x[:, []],
    "mixed floats in a product of vectors": lambda x: torch.addr(x[0, 0], x[0, 0, 0].double(), x[0, 0, 0]),
    "mixed floats in a loss": lambda x: F.huber_loss(x.bfloat16(), x, reduction="none"),
    "a vector times a matrix": lambda x: x[0, 0, 0] @ x[0, 0],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TAKEN)
def test_what_torch_takes_is_taken(name: str) -> None:
    expected = TAKEN[name](X)
    recorded = trace(Call(TAKEN[name]), (X,))
    (output,) = recorded.calls[0].outputs
    assert (output.shape, output.dtype) == (tuple(expected.shape), expected.dtype)


def test_what_only_the_kernel_of_the_cpu_takes_is_run_with_values() -> None:
    # Torch's kernel for shapes wants vectors; batch norm on the CPU takes a matrix of as many numbers.
    model = Call(lambda x: F.batch_norm(x, torch.zeros(8), torch.ones(8), torch.ones(1, 8)))
    assert model(X).shape == X.shape
    assert any(remark.startswith("run with values") for remark in archprof.profile(model, (X,)).environment.remarks)


def test_a_tensor_s_storage_may_be_larger_than_the_tensor() -> None:
    # Of 16 elements those from the fifth; as_strided looks into the storage, back to its first.
    part = torch.arange(16.0)[4:8]
    assert trace(Call(lambda x: x.as_strided((4, 4), (4, 1), 0)), (part,)).calls[0].outputs[0].shape == (4, 4)
    with pytest.raises(RunError, match="storage of 16 elements"):
        archprof.profile(Call(lambda x: x.as_strided((4, 4), (4, 1), 1)), (part,))


def test_a_row_that_joins_along_no_dimension_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    rows = ("- [-1, 1, Conv, [16, 3, 2]]", "- [-1, 1, Conv, [16, 3, 1]]", "- [[-1, 0], 1, Concat, [5]]")
    text = "\n".join(("nc: 5", "backbone:", *(f"  {row}" for row in rows), "head:", "  - [-1, 1, Classify, [nc]]", ""))
    for dimension in ("5", "-5"):
        path.write_text(text.replace("[5]", f"[{dimension}]"), encoding="utf-8")
        with pytest.raises(RunError, match=f"row 2: Concat .* got {dimension}") as caught:
            profile_spec(load(path), Options())
        assert (caught.value.path, caught.value.line) == (path, 5)
