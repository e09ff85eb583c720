"""What torch refuses, by its own tables of operations with invalid arguments, and with valid ones of every type.

Each call is made on the CPU, and traced without memory: either both refuse, or both give tensors of the same shapes and
types. What torch refuses because of the values of its inputs, which a pass without memory has not, is left out.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db

from archprof.errors import RunError
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Iterator

# Importing torch's own tests forbids whoever runs in this process to set its flags.
torch.backends.disable_global_flags.__globals__["__allow_nonbracketed_mutation_flag"] = True

SAMPLES = 4
"""Of each operation and type."""

TYPES = (torch.float32, torch.int64, torch.bool, torch.uint8, torch.complex64)

OF_VALUES = re.compile("out of bounds|probability|invalid multinomial|singular|sum to data.size", re.IGNORECASE)
"""What torch says where it refuses values."""

OF_ANOTHER_DEVICE = re.compile("'CPU' backend|not implemented for '(Half|BFloat16)'")

AS_ANOTHER_OPERATION = {
    "max_pool1d": "without gradients the CPU has a kernel for it alone, which takes no integers; else it is max_pool2d",
    "_native_batch_norm_legit": "its statistics without training have no elements on the CPU",
    "_segment_reduce": "its lengths are values",
}
"""Operations where a difference is known, and why it stands."""

OPERATIONS = [info for info in op_db if not any(name in info.name for name in ("jiterator", *AS_ANOTHER_OPERATION))]


class Call(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, /, *inputs: Any, **keywords: Any) -> Any:
        return self.function(*inputs, **keywords)


def fresh(value: Any) -> Any:
    """The same arguments, for an operation that may write to them."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone() if value.layout is torch.strided and value.is_contiguous() else value.detach()
    if type(value) in (list, tuple):
        return type(value)(map(fresh, value))
    return {key: fresh(item) for key, item in value.items()} if isinstance(value, dict) else value


def comparable(sample: Any) -> bool:
    """Whether a call is of tensors with values, and asks for nothing but what it computes."""
    keywords = {"out", "generator"} & set(sample.kwargs)
    return not keywords and not any(tensor.is_meta for tensor in flat((sample.input, sample.args, sample.kwargs)))


def difference(function: Any, sample: Any) -> str | None:
    """In what a trace without memory is another than the call itself."""
    call = ((sample.input, *sample.args), sample.kwargs)
    args, kwargs = fresh(call)
    result, refusal = None, None
    try:
        with torch.no_grad():
            result = function(*args, **kwargs)
    except Exception as error:
        refusal = str(error)
    args, kwargs = fresh(call)
    try:
        recorded = trace(Call(function), tuple(args), kwargs)
    except DataDependentError:
        return None  # it is run with values
    except RunError as error:
        return None if refusal else f"is refused: {error}"
    if refusal:
        left_out = OF_VALUES.search(refusal) or OF_ANOTHER_DEVICE.search(refusal)
        return None if left_out else f"is not refused: {refusal}"
    expected = [(tuple(tensor.shape), tensor.dtype) for tensor in flat(result) if tensor.layout is torch.strided]
    mine = [(tensor.shape, tensor.dtype) for tensor in recorded.calls[0].outputs]
    return None if not expected or expected == mine else f"gives {mine} for {expected}"


def errors(info: Any) -> Iterator[Any]:
    yield from (error.sample_input for error in info.error_inputs("cpu")) if info.error_inputs_func else ()


def samples(info: Any) -> Iterator[Any]:
    for dtype in TYPES:
        try:
            yield from islice(info.sample_inputs("cpu", dtype), SAMPLES)
        except Exception:  # torch's table cannot make arguments of this type
            continue


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "calls", [pytest.param(errors, id="invalid"), pytest.param(samples, id="types", marks=pytest.mark.full)]
)
@pytest.mark.parametrize("part", range(8))
def test_torch_s_own_samples(calls: Any, part: int) -> None:
    differences = [
        f"{info.formatted_name} {text}"
        for info in OPERATIONS[part::8]
        for sample in calls(info)
        if comparable(sample) and (text := difference(info.op, sample))
    ]
    assert differences == []
