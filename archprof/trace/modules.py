"""What the commonest modules without children do, recorded without running them.

Going down to torch and back for each of these is most of what is left of a pass's time. Each function here writes down
the very operations that the module's forward runs, and gives its result, or gives None where it is not sure, and
then the forward is run. Only the exact types are in the table, so a subclass always runs. The tests hold each against
its forward.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.trace.record import TensorInfo
from archprof.trace.shapes import SHAPES, aten

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archprof.trace.recorder import Recorder

    Shortcut = Callable[[Recorder, Any, Tensor], Tensor | None]

SHORTCUTS: dict[type[nn.Module], Shortcut] = {}
"""Exact type -> what its forward does to one tensor on meta, without gradients or autocast."""


def shortcut(*types: type[nn.Module]) -> Callable[[Shortcut], Shortcut]:
    """Enter a function for some types of modules."""

    def add(function: Shortcut) -> Shortcut:
        SHORTCUTS.update(dict.fromkeys(types, function))
        return function

    return add


@shortcut(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def _convolution(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    padding = module.padding
    if module.padding_mode != "zeros" or isinstance(padding, str) or x.ndim != module.weight.ndim:
        return None
    if x.dtype.is_complex:  # three convolutions of real numbers
        return None
    arguments = (
        *(x, module.weight, module.bias, module.stride, padding, module.dilation, False, module.output_padding),
        module.groups,
    )
    return recorder.do(aten.convolution.default, arguments)


@shortcut(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def _batch_norm(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    if module.training or module.running_mean is None or x.ndim != _NORM_RANKS[type(module)]:
        return None
    arguments = (
        *(x, module.weight, module.bias, module.running_mean, module.running_var, False),
        *(module.momentum if module.momentum is not None else 0.0, module.eps),
    )
    normalised = SHAPES[aten.native_batch_norm.default](*arguments)
    if normalised is None or x.dtype != module.running_mean.dtype:
        return None
    recorder.note(aten.empty.memory_format, ([0],), _RESERVE, torch.empty(0, dtype=torch.uint8, device="meta"))
    recorder.note(aten.native_batch_norm.default, arguments, {}, normalised)
    result: Tensor = normalised[0]
    return result


_NORM_RANKS: dict[type[nn.Module], int] = {nn.BatchNorm1d: 3, nn.BatchNorm2d: 4, nn.BatchNorm3d: 5}
_RESERVE = {"dtype": torch.uint8, "layout": torch.strided, "device": torch.device("meta")}
"""How torch asks for the memory that cuDNN would want, and that is empty here."""


@shortcut(nn.LayerNorm)
def _layer_norm(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    arguments = (x, module.normalized_shape, module.weight, module.bias, module.eps)
    return recorder.do(aten.native_layer_norm.default, arguments)


def _activation(name: str) -> Shortcut:
    fresh, in_place = getattr(aten, name).default, getattr(aten, name + "_").default

    def run(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
        return recorder.do(in_place if module.inplace else fresh, (x,))

    return run


SHORTCUTS[nn.ReLU] = _activation("relu")
SHORTCUTS[nn.SiLU] = _activation("silu")
SHORTCUTS[nn.Hardswish] = _activation("hardswish")
SHORTCUTS[nn.Hardsigmoid] = _activation("hardsigmoid")


@shortcut(nn.Sigmoid)
def _sigmoid(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return recorder.do(aten.sigmoid.default, (x,))


@shortcut(nn.GELU)
def _gelu(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return recorder.do(aten.gelu.default, (x,)) if module.approximate == "none" else None


@shortcut(nn.Identity)
def _identity(recorder: Recorder, module: Any, x: Tensor) -> Tensor:
    return x


@shortcut(nn.Dropout)
def _dropout(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return None if module.training else x


class _Last(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the last operation that runs."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # for the recorder's reason

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen = func
        return func(*args, **(kwargs or {}))


def _unflattening() -> Any:
    """The operation that gives a product with a bias its leading dimensions back; torch's versions differ in it."""
    # On the CPU: what computes the shapes of a product on meta imports torch's compiler, which takes seconds.
    x, weight, bias = (torch.zeros(shape, device="cpu") for shape in ((1, 1, 1), (1, 1), (1,)))
    with torch.no_grad(), _Last() as last:  # type: ignore[no-untyped-call]
        nn.functional.linear(x, weight, bias)
    return last.seen


_UNFLATTENED = {True: _unflattening(), False: aten._unsafe_view.default}
"""By whether there is a bias."""


@shortcut(nn.Linear)
def _linear(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    # torch flattens the leading dimensions, transposes the weight, and takes one matrix product.
    weight, bias = module.weight, module.bias
    if x.ndim < 2 or not x.is_contiguous() or not weight.is_contiguous() or not x.numel():
        return None
    if x.dtype != weight.dtype or x.shape[-1] != weight.shape[1]:
        return None
    wide, deep = weight.shape
    result = torch.empty((*x.shape[:-1], wide), dtype=x.dtype, device="meta")
    source, kernel, out = recorder.info(x), recorder.info(weight), recorder.info(result)
    transposed = TensorInfo((deep, wide), weight.dtype, kernel.storage)
    flat, product = source, out
    if x.ndim > 2:
        rows = x.numel() // deep
        flat = TensorInfo((rows, deep), x.dtype, source.storage)
        product = TensorInfo((rows, wide), x.dtype, out.storage)
    steps: list[tuple[Any, tuple[Any, ...], TensorInfo]] = [(aten.t.default, (kernel,), transposed)]
    if flat is not source:
        steps.insert(1 if bias is None else 0, (aten.view.default, (source, flat.shape), flat))
    if bias is None:
        steps.append((aten.mm.default, (flat, transposed), product))
    else:
        steps.append((aten.addmm.default, (recorder.info(bias), flat, transposed), product))
    if flat is not source:
        steps.append((_UNFLATTENED[bias is not None], (product, out.shape), out))
    for function, arguments, output in steps:
        recorder.append(function, arguments, {}, (output,))
    return result
