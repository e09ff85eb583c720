"""Which types of elements the CPU's kernels compute, asked of the kernels themselves.

Torch's meta kernels take integers, masks and complex numbers where its CPU kernels compute floats alone. No table here
says where: the CPU's kernel is run once for each operation and types, on a few zeros. Floats of a single type are not
asked about, so that an ordinary network costs nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ASKED = frozenset(
    {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.complex64, torch.complex128}
)
"""Types that are asked about: what the CPU does not compute of these, no other device does either."""

SMALL = 4
"""The size to which dimensions are cut first; what computes those computes larger ones."""

LIMIT = 1 << 24
"""Elements up to which a call is made in its true sizes."""

_OF_TYPES = re.compile(r"type|not implemented for|support|complex|bool|\blong\b|integ|float", re.IGNORECASE)
"""What a refusal of types speaks of, and of values, which are zeros here, does not."""

_OF_ANOTHER_DEVICE = re.compile("'(Complex)?Half'|'BFloat16'|'Float8|backend")
"""What a refusal speaks of that another device may compute."""


class _Tensor(NamedTuple):
    shape: tuple[int, ...]
    dtype: torch.dtype


class _Value(NamedTuple):
    kind: type  # a number that equals another of a different type is not the same argument
    value: Any


def check_types(operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Refuse types that the operation's CPU kernel does not compute.

    Raises:
        RuntimeError: With what the kernel says.
    """
    if operation.namespace != "aten" or operation.is_view or torch.Tag.inplace_view in operation.tags:
        return
    tensors = list(_tensors((*args, *kwargs.values())))
    if not _asked(set(_dtypes(tensors, args, kwargs))) or _picks_of_nothing(tensors):
        return
    try:
        refusal = _refusal(operation, *_described(args, kwargs, SMALL))
        if refusal and "not implemented for" not in refusal:  # it may be due to the sizes
            elements = sum(map(torch.numel, tensors))
            refusal = _refusal(operation, *_described(args, kwargs, None)) if elements <= LIMIT else None
    except TypeError:  # an argument that cannot be compared, as a generator of random numbers
        return
    if refusal and _OF_TYPES.search(refusal) and not _OF_ANOTHER_DEVICE.search(refusal):
        raise RuntimeError(refusal)


def cpu_computes(operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether the operation's CPU kernel takes arguments of these sizes and types, where there are not too many."""
    tensors = list(_tensors((*args, *kwargs.values())))
    if operation.namespace != "aten" or _picks_of_nothing(tensors) or sum(map(torch.numel, tensors)) > LIMIT:
        return False
    try:
        return _refusal(operation, *_described(args, kwargs, None)) is None
    except TypeError:
        return False


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _asked(dtypes: set[torch.dtype]) -> bool:
    return len(dtypes) > 1 or not dtypes.isdisjoint(ASKED)


def _picks_of_nothing(tensors: list[torch.Tensor]) -> bool:
    """Whether whole numbers, which may be indices, stand beside a tensor without elements: no zero is within that."""
    empty = any(not tensor.numel() for tensor in tensors)
    numbers = [tensor for tensor in tensors if not (tensor.is_floating_point() or tensor.is_complex())]
    return empty and any(tensor.numel() for tensor in numbers)


def _dtypes(tensors: list[torch.Tensor], args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[torch.dtype]:
    """The types of the tensors and of complex numbers, and the one that the result is to have."""
    for tensor in tensors:
        yield tensor.dtype
    if any(isinstance(value, complex) for value in (*args, *kwargs.values())):
        yield torch.complex64
    if isinstance(kwargs.get("dtype"), torch.dtype):
        yield kwargs["dtype"]


def _described(args: Sequence[Any], kwargs: dict[str, Any], limit: int | None) -> tuple[Any, Any]:
    """Arguments as what can be compared, with sizes cut to a limit."""

    def describe(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return _Tensor(tuple([size if limit is None else min(size, limit) for size in value.shape]), value.dtype)
        return _Value(type(value), value)

    return _mapped(describe, tuple(args)), tuple([(name, _mapped(describe, value)) for name, value in kwargs.items()])


@lru_cache(maxsize=4096)
def _refusal(operation: Any, args: Any, kwargs: Any) -> str | None:
    """What the CPU's kernel says to zeros, or to ones where it divides by them; None where it computes."""
    refusal = None
    for make in (torch.zeros, torch.ones):
        try:
            with torch.random.fork_rng(devices=[]):
                operation(*_mapped(_real(make), args), **{name: _mapped(_real(make), value) for name, value in kwargs})
        except Exception as error:
            refusal = str(error)
        else:
            return None
        if "ZeroDivision" not in refusal:
            break
    return refusal


def _real(make: Callable[..., torch.Tensor]) -> Callable[[Any], Any]:
    """What makes arguments of their descriptions, on the CPU."""

    def real(value: Any) -> Any:
        if isinstance(value, _Tensor):
            return make(value.shape, dtype=value.dtype, device="cpu")
        return torch.device("cpu") if isinstance(value.value, torch.device) else value.value

    return real


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same tuples, lists as tuples, with each thing in them replaced."""
    if type(value) in (list, tuple):
        return tuple([_mapped(function, item) for item in value])
    return function(value)
