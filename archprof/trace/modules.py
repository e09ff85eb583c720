"""What the commonest modules without children do, recorded without running them.

Going down to torch and back for each of these is most of what is left of a pass's time. Each function here writes down
the very operations that the module's forward runs, and gives its result, or gives None where it is not sure, and
then the forward is run. Only the exact types are in the table, so a subclass always runs. The tests hold each against
its forward.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.trace.meta_kernels.arguments import is_vector, real
from archprof.trace.meta_kernels.layout import META
from archprof.trace.meta_kernels.normalisation import laid_out_as
from archprof.trace.meta_kernels.registry import aten
from archprof.trace.record import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archprof.trace.recorder import Recorder

    FastPath = Callable[[Recorder, Any, Tensor], Tensor | None]

MODULE_FAST_PATHS: dict[type[nn.Module], FastPath] = {}
"""Exact type -> what its forward does to one tensor on meta, without gradients or autocast."""


def fast_path(*types: type[nn.Module]) -> Callable[[FastPath], FastPath]:
    """Enter a function for some types of modules."""

    def add(function: FastPath) -> FastPath:
        MODULE_FAST_PATHS.update(dict.fromkeys(types, function))
        return function

    return add


_own: Any = dict.get
"""Reads what a module holds without asking for it, upon which it would be replaced."""


def _registered(module: Any) -> tuple[Any, Any] | None:
    """Its weight and its bias as they are registered, or None where one of them is something else by now.

    Asking the module itself takes many times as long.
    """
    parameters = module._parameters
    if "weight" in parameters and "bias" in parameters:
        return _own(parameters, "weight"), _own(parameters, "bias")
    return None


def _lengths(value: Any, rank: int) -> bool:
    """Whether a setting is what the constructor makes of it: a whole number for each dimension.

    Afterwards people set it to other things, some of which torch takes (one number for all dimensions) and others not
    (True); so only torch can tell.
    """
    return type(value) in (tuple, list) and len(value) == rank and all(type(number) is int for number in value)


@fast_path(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def _convolution(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    registered = _registered(module)
    if registered is None or module.padding_mode != "zeros":
        return None
    weight, bias = registered
    if x.ndim != weight.ndim:
        return None
    if x.dtype.is_complex:  # three convolutions of real numbers
        return None
    stride, padding, dilation, groups = module.stride, module.padding, module.dilation, module.groups
    rank = _CONVOLUTION_RANKS[type(module)]
    if not (_lengths(stride, rank) and _lengths(padding, rank) and _lengths(dilation, rank) and type(groups) is int):
        return None
    arguments = (x, weight, bias, stride, padding, dilation, False, _NO_PADDING[rank], groups)
    return recorder.do(aten.convolution.default, arguments)


_CONVOLUTION_RANKS: dict[type[nn.Module], int] = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}
_NO_PADDING = {rank: (0,) * rank for rank in _CONVOLUTION_RANKS.values()}


@fast_path(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def _batch_norm(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    registered = _registered(module)
    mean, variance = _own(module._buffers, "running_mean"), _own(module._buffers, "running_var")
    if registered is None or module.training or mean is None or variance is None:
        return None
    momentum = module.momentum if module.momentum is not None else 0.0
    if not (real(module.eps, momentum) and module.eps >= 0):
        return None
    info = recorder.info
    source = info(x)
    shape, dtype = source.shape, source.dtype
    if len(shape) != _NORM_RANKS[type(module)] or not dtype.is_floating_point:
        return None
    tensors: list[TensorInfo | None] = [source]
    for tensor in (*registered, mean, variance):
        vector = None if tensor is None else info(tensor)
        if vector is not None and (vector.shape != shape[1:2] or vector.dtype != dtype):
            return None
        tensors.append(vector)
    result = laid_out_as(x)
    if result is None:
        return None
    recorder.append(aten.empty.memory_format, ((0,),), _RESERVE, (_nothing(torch.uint8),))
    outputs = (info(result), _nothing(dtype), _nothing(dtype))
    recorder.append(aten.native_batch_norm.default, (*tensors, False, momentum, module.eps), {}, outputs)
    return result


def _nothing(dtype: torch.dtype) -> TensorInfo:
    """A tensor without elements, which nobody else has."""
    return TensorInfo((0,), dtype, next(_NO_MEMORY))


_NO_MEMORY = count(-1, -1)
"""Numbers that are no memory's, nor the negative of an object's id."""

_NORM_RANKS: dict[type[nn.Module], int] = {nn.BatchNorm1d: 3, nn.BatchNorm2d: 4, nn.BatchNorm3d: 5}
_RESERVE = {"dtype": torch.uint8, "layout": torch.strided, "device": META}
"""How torch asks for the memory that cuDNN would want, and that is empty here."""


@fast_path(nn.LayerNorm)
def _layer_norm(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    registered = _registered(module)
    if registered is None or not real(module.eps):
        return None
    return recorder.do(aten.native_layer_norm.default, (x, module.normalized_shape, *registered, module.eps))


def _activation(name: str) -> FastPath:
    fresh, in_place = getattr(aten, name).default, getattr(aten, name + "_").default

    def run(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
        inplace = module.inplace
        return recorder.do(in_place if inplace else fresh, (x,)) if type(inplace) is bool else None

    return run


MODULE_FAST_PATHS[nn.ReLU] = _activation("relu")
MODULE_FAST_PATHS[nn.SiLU] = _activation("silu")
MODULE_FAST_PATHS[nn.Hardswish] = _activation("hardswish")
MODULE_FAST_PATHS[nn.Hardsigmoid] = _activation("hardsigmoid")


@fast_path(nn.Sigmoid)
def _sigmoid(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return recorder.do(aten.sigmoid.default, (x,))


@fast_path(nn.GELU)
def _gelu(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return recorder.do(aten.gelu.default, (x,)) if module.approximate == "none" else None


@fast_path(nn.Identity)
def _identity(recorder: Recorder, module: Any, x: Tensor) -> Tensor:
    return x


@fast_path(nn.Dropout)
def _dropout(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    return x if not module.training and real(module.p) and 0 <= module.p <= 1 else None


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


@fast_path(nn.Linear)
def _linear(recorder: Recorder, module: Any, x: Tensor) -> Tensor | None:
    # torch flattens the leading dimensions, transposes the weight, and takes one matrix product.
    registered = _registered(module)
    if registered is None:
        return None
    weight, bias = registered
    if x.ndim < 2 or not x.is_contiguous() or not weight.is_contiguous() or not x.numel():
        return None
    if x.dtype != weight.dtype or not x.dtype.is_floating_point or x.shape[-1] != weight.shape[1]:
        return None
    wide, deep = weight.shape
    if not is_vector(bias, wide, x.dtype):
        return None
    result = torch.empty((*x.shape[:-1], wide), dtype=x.dtype, device=META)
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
