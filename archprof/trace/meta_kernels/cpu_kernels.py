"""What the CPU's kernels give and refuse, asked of the kernels themselves, on tensors of a few zeros.

No table here says it: an operation is run once for each sizes and types, and its answer is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from archprof.trace.nested import flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LIMIT = 1 << 24
"""Elements up to which a call is made in its true sizes, where there is a reason to doubt it."""

ALWAYS = 1 << 16
"""Elements up to which every call is made in its true sizes, whose operation has no rule of its own."""

DOUBTED = 1 << 22
"""Elements up to which such a call is made in its true sizes where smaller ones of the same relation are refused."""

_KEPT = 8
"""Sizes up to here, of kernels and heads for instance, stay as they are where others are made smaller."""

_torch: Any = torch
_OF_NUMBERS = _torch.linalg.LinAlgError
"""What torch raises where a matrix of other numbers would do."""

_UNCHECKED = frozenset({torch.ops.aten._weight_norm_interface.default})
"""Operations whose kernel goes beyond the end of arguments that are too short, so that it is never asked."""

_NAMESPACES = frozenset({"aten", "torchvision", "torch_nn"})


class TensorKind(NamedTuple):
    """A tensor as far as a kernel is asked about it."""

    shape: tuple[int, ...]
    dtype: torch.dtype


class Answer(NamedTuple):
    """What a CPU kernel says to arguments.

    Attributes:
        refusal: Its message, None where it computes.
        of_values: Whether it may refuse the numbers in them, which are made up.
        outputs: The tensors that it gives.
    """

    refusal: str | None
    of_values: bool = False
    outputs: tuple[TensorKind, ...] = ()


class _Value(NamedTuple):
    kind: type  # a number that equals another of a different type is not the same argument
    value: Any


def answer(
    operation: Any, args: Sequence[Any], kwargs: dict[str, Any], resize: Callable[[int], int] | None = None
) -> Answer:
    """What an operation's CPU kernel says.

    Args:
        operation: The operation.
        args: What it is called with.
        kwargs: The same by keyword.
        resize: Gives the size that is to stand for another; None for true sizes.
    """
    try:
        return _answer(operation, *_described(args, kwargs, resize))
    except TypeError:  # an argument that cannot be compared
        return Answer(None)


def can_be_asked(operation: Any, tensors: Iterable[torch.Tensor]) -> bool:
    """Whether an operation is torch's own, so that it may be run once more, and zeros can stand for its arguments."""
    if (
        operation in _UNCHECKED
        or operation.namespace not in _NAMESPACES
        or operation.is_view
        or torch.Tag.inplace_view in operation.tags
    ):
        return False
    tensors = list(tensors)
    plain = all(tensor.layout is torch.strided and not tensor.is_quantized for tensor in tensors)
    return plain and not picks_of_nothing(tensors)


def cpu_computes(operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether the operation's CPU kernel takes arguments of these sizes and types, where there are not too many."""
    tensors = list(flat((args, kwargs)))
    if not can_be_asked(operation, tensors) or elements(tensors) > LIMIT:
        return False
    return answer(operation, args, kwargs).refusal is None


def elements(tensors: Iterable[torch.Tensor]) -> int:
    """The elements of some tensors together."""
    return sum(tensor.numel() for tensor in tensors)


def picks_of_nothing(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether whole numbers, which may be indices, stand beside a tensor without elements: no zero is within that."""
    empty = any(not tensor.numel() for tensor in tensors)
    return empty and any(tensor.numel() and tensor.dtype in (torch.int32, torch.int64) for tensor in tensors)


def smaller(tensors: Iterable[torch.Tensor]) -> Callable[[int], int]:
    """Gives small sizes for those of some tensors: equal ones for equal ones, and larger ones for larger ones."""
    large = sorted({size for tensor in tensors for size in tensor.shape if size > _KEPT})
    sizes = {size: _KEPT + 1 + index for index, size in enumerate(large)}
    return lambda size: sizes.get(size, size)


def _described(args: Sequence[Any], kwargs: dict[str, Any], resize: Callable[[int], int] | None) -> tuple[Any, Any]:
    """Arguments as what can be compared, in the sizes that stand for theirs."""

    def describe(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return TensorKind(tuple(map(resize, value.shape) if resize else value.shape), value.dtype)
        return _Value(type(value), value)

    return _mapped(describe, tuple(args)), tuple([(name, _mapped(describe, value)) for name, value in kwargs.items()])


def _identity(shape: Sequence[int], *, dtype: torch.dtype, device: str) -> torch.Tensor:
    """Identity matrices, which can be inverted and factorised; ones where the shape has no matrices."""
    if len(shape) < 2:
        return torch.ones(shape, dtype=dtype, device=device)
    return torch.eye(*shape[-2:], dtype=dtype, device=device).expand(*shape).clone()


_MAKERS: tuple[Callable[..., torch.Tensor], ...] = (torch.zeros, torch.ones, _identity)
"""What arguments are made of, one after the other, until a kernel takes them."""


@lru_cache(maxsize=4096)
def _answer(operation: Any, args: Any, kwargs: Any) -> Answer:
    refusals: list[Exception] = []
    for make in _MAKERS:
        try:
            with torch.random.fork_rng(devices=[]):
                result = operation(
                    *_mapped(_real(make), args), **{name: _mapped(_real(make), value) for name, value in kwargs}
                )
        except Exception as error:
            refusals.append(error)
        else:
            return Answer(
                None, outputs=tuple([TensorKind(tuple(tensor.shape), tensor.dtype) for tensor in flat(result)])
            )
    refusal = next((error for error in refusals if "ZeroDivision" not in str(error)), refusals[-1])
    return Answer(str(refusal), isinstance(refusal, _OF_NUMBERS))


def _real(make: Callable[..., torch.Tensor]) -> Callable[[Any], Any]:
    """What makes arguments of their descriptions, on the CPU."""

    def real(value: Any) -> Any:
        if isinstance(value, TensorKind):
            return make(value.shape, dtype=value.dtype, device="cpu")
        return torch.device("cpu") if isinstance(value.value, torch.device) else value.value

    return real


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same tuples, lists as tuples, with each thing in them replaced."""
    if type(value) in (list, tuple):
        return tuple([_mapped(function, item) for item in value])
    return function(value)
