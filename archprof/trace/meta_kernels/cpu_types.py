"""Which types of elements the CPU's kernels compute.

Torch's meta kernels take integers, masks and complex numbers where its CPU kernels compute floats alone. Floats of a
single type are not asked about, so that an ordinary network costs nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.cpu_kernels import LIMIT, answer, elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASKED = frozenset(
    {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.complex64, torch.complex128}
)
"""Types that are asked about: what the CPU does not compute of these, no other device does either."""

SMALL = 4
"""The size to which dimensions are cut first; what computes those computes larger ones."""

_OF_TYPES = re.compile(r"type|not implemented for|support|complex|bool|\blong\b|integ|float", re.IGNORECASE)
"""What a refusal of types speaks of, and of values, which are zeros here, does not."""

_OF_ANOTHER_DEVICE = re.compile("'(Complex)?Half'|'BFloat16'|'Float8|backend|MKL|accelerator")
"""What a refusal speaks of that another device may compute."""


def check_types(operation: Any, args: Sequence[Any], kwargs: dict[str, Any], tensors: list[torch.Tensor]) -> None:
    """Refuse types that the operation's CPU kernel does not compute.

    Args:
        operation: One that can be asked about these arguments.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        tensors: The tensors among both.

    Raises:
        RuntimeError: With what the kernel says.
    """
    if not _asked(set(_dtypes(tensors, args, kwargs))):
        return
    refusal = answer(operation, args, kwargs, lambda size: min(size, SMALL)).refusal
    if refusal and "not implemented for" not in refusal:  # it may be due to the sizes
        refusal = answer(operation, args, kwargs).refusal if elements(tensors) <= LIMIT else None
    if refusal and _OF_TYPES.search(refusal) and not of_another_device(refusal):
        raise RuntimeError(refusal)


def of_another_device(refusal: str) -> bool:
    """Whether what the CPU refuses may be computed elsewhere."""
    return bool(_OF_ANOTHER_DEVICE.search(refusal))


def _asked(dtypes: set[torch.dtype]) -> bool:
    return len(dtypes) > 1 or not dtypes.isdisjoint(ASKED)


def _dtypes(tensors: list[torch.Tensor], args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[torch.dtype]:
    """The types of the tensors and of complex numbers, and the one that the result is to have."""
    for tensor in tensors:
        yield tensor.dtype
    if any(isinstance(value, complex) for value in (*args, *kwargs.values())):
        yield torch.complex64
    if isinstance(kwargs.get("dtype"), torch.dtype):
        yield kwargs["dtype"]
