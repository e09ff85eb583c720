"""Whether a backend computes what eager PyTorch computes, before anybody asks how fast."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from archprof.errors import RunError
from archprof.records.latency import Agreement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from torch import Tensor

from archprof.latency.backends.interface import leaves

TOLERANCES = {"float64": 1e-6, "float32": 1e-3, "tf32": 5e-2, "float16": 5e-2, "bfloat16": 2e-1}
"""What outputs may differ by, over the largest of them, by the type that is computed in. A network of a hundred layers
amplifies the rounding of one; other sums than these come out of a change in the order of additions alone. TF32, in
which a card computes float32, has as many digits as float16."""


EAGER = "eager PyTorch's"
"""Whose outputs a backend's are held to, as a message says it."""


def agreement(eager: Sequence[Tensor], other: Sequence[Tensor], dtype: str) -> Agreement:
    """How far two lists of outputs are apart.

    Args:
        eager: The outputs of eager PyTorch.
        other: Those of a backend on the same inputs.
        dtype: The coarsest type that either was computed in, one of :data:`TOLERANCES`.
    """
    difference = math.inf, math.inf
    if [tensor.shape for tensor in eager] == [tensor.shape for tensor in other]:
        pairs = [_difference(tensor, two) for tensor, two in zip(eager, other, strict=True)]
        difference = max((pair[0] for pair in pairs), default=0.0), max((pair[1] for pair in pairs), default=0.0)
    absolute, relative = (tensor if math.isfinite(tensor) else None for tensor in difference)
    return Agreement(absolute=absolute, relative=relative, tolerance=TOLERANCES[dtype])


def disagreement(checked: Agreement, reference: str = EAGER) -> str:
    """What is said of outputs that do not agree.

    Args:
        checked: How far they are.
        reference: Whose outputs they were held to, in the possessive.
    """
    if checked.relative is None:
        return f"its outputs have other shapes than {reference}, or numbers where those have none"
    return (
        f"its outputs differ from {reference} by {checked.relative:.2g} of the largest; "
        f"rounding makes {checked.tolerance:g}"
    )


def rounding_changes(call: Callable[..., Any], inputs: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Whether eager PyTorch's own outputs would not agree after a change of the inputs by no more than rounding.

    Then a backend's may differ and be right: a detector that takes its best boxes out of hundreds with nearly the same
    score, as all have that was not trained, gives others, or the same in another order.

    Args:
        call: The model, in eager PyTorch.
        inputs: What it is run on.
        expected: Its outputs.
    """
    if not any(tensor.is_floating_point() for tensor in inputs):
        return False
    with torch.no_grad():
        rounded = [
            tensor * (1 + 4 * torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else tensor
            for tensor in inputs
        ]
        return not agreement(expected, leaves(call(*rounded)), dtype_of(inputs)).holds


def dtype_of(tensors: Iterable[Tensor]) -> str:
    """The name of the first type of floating-point numbers among tensors; float32 where there is none."""
    dtype = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float32)
    return str(dtype).removeprefix("torch.")


def _difference(left: Tensor, right: Tensor) -> tuple[float, float]:
    """The largest difference of two elements, and that over the largest element of the first."""
    first, second = (tensor.detach().to("cpu", torch.float64) for tensor in (left, right))
    if not first.numel():
        return 0.0, 0.0
    same = (first == second) | (first.isnan() & second.isnan())
    difference = torch.where(same, 0.0, (first - second).abs()).max().item()
    if math.isnan(difference) or math.isinf(difference):
        return math.inf, math.inf
    largest = first[first.isfinite()].abs().max().item() if first.isfinite().any() else 0.0
    return difference, difference / largest if largest else (math.inf if difference else 0.0)


def steady_outputs(call: Callable[[], Any], times: int = 3) -> list[Tensor]:
    """The outputs of a model, copied, where it returns the same shapes each time.

    Raises:
        RunError: Where it does not: then it has no one latency.
    """
    outputs = [tensor.clone() for tensor in leaves(call())]
    for _ in range(times - 1):
        shapes = [tuple(tensor.shape) for tensor in leaves(call())]
        if shapes != (before := [tuple(tensor.shape) for tensor in outputs]):
            raise RunError(
                f"the model returns other shapes each time: {_text(before)}, then {_text(shapes)}",
                hint="what it computes depends on chance or on earlier calls, so it has no one latency",
            )
    return outputs


def _text(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "()" for shape in shapes) or "nothing"
