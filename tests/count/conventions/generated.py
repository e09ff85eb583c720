"""Operations and modules with sample inputs, from the tables that torch tests itself with.

A hint for readers: torch keeps them in ``torch.testing._internal``, which imports ``expecttest``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = 4
"""How many sample inputs of each are taken."""


class Case(NamedTuple):
    """A model and its inputs."""

    model: nn.Module
    inputs: tuple[Any, ...]
    keywords: dict[str, Any]


class Function(nn.Module):
    """A function whose tensors come in as the model's inputs, and whose other arguments stay."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        super().__init__()
        self.function, self.args, self.kwargs = function, args, kwargs

    def forward(self, *tensors: torch.Tensor) -> Any:
        left = iter(tensors)
        args, kwargs = (_filled(value, left) for value in (self.args, self.kwargs))
        return self.function(*args, **kwargs)


def _filled(value: Any, tensors: Iterator[torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return next(tensors)
    if type(value) in (list, tuple):
        return type(value)(_filled(item, tensors) for item in value)
    if isinstance(value, dict):
        return {key: _filled(item, tensors) for key, item in value.items()}
    return value


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in lists, tuples and dicts, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_of(item)


OPERATIONS = {f"{info.name}{'.' * bool(info.variant_test_name)}{info.variant_test_name}": info for info in op_db}
MODULES = {info.name: info for info in module_db if "Lazy" not in info.name}


def operations(name: str) -> Iterator[Case]:
    """An operation on some sample inputs, in float32 where it takes that, that torch itself runs."""
    info = OPERATIONS[name]
    dtypes = info.supported_dtypes("cpu")
    if not dtypes:
        return
    dtype = torch.float32 if torch.float32 in dtypes else min(dtypes, key=str)
    for sample in islice(info.sample_inputs("cpu", dtype, requires_grad=False), SAMPLES):
        values = ((sample.input, *sample.args), sample.kwargs)
        case = Case(Function(info.op, *values), tuple(tensors_of(values)), {})
        if case.inputs and _runs(case):
            yield case


def modules(name: str) -> Iterator[Case]:
    """A module on some sample inputs that torch itself runs."""
    info = MODULES[name]
    samples = info.module_inputs_func(info, "cpu", torch.float32, requires_grad=False, training=False)
    for sample in islice(samples, SAMPLES):
        construct, call = sample.constructor_input, sample.forward_input
        if call is None:
            continue
        model = info.module_cls(*construct.args, **construct.kwargs).eval()
        case = Case(model, call.args, call.kwargs)
        if _runs(case):
            yield case


def _runs(case: Case) -> bool:
    try:
        with torch.no_grad():
            case.model(*case.inputs, **case.keywords)
    except Exception:
        return False
    return True
