"""What torch refuses, by its own tables of operations: invalid arguments, valid ones of every type, and changed ones.

Of those a size, a rank, a type or a number is another than in the valid call.

Each call is made on the CPU, and traced without memory: either both refuse, or both give tensors of the same shapes and
types. What torch refuses because of the values of its inputs, which a pass without memory has not, is left out.
"""

from __future__ import annotations

import os
import random
import re
from functools import partial
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import SampleInput

from archprof.errors import RunError
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Iterator

# Importing torch's own tests forbids whoever runs in this process to set its flags.
torch.backends.disable_global_flags.__globals__["__allow_nonbracketed_mutation_flag"] = True

SEED = os.environ.get("ARCHPROF_SEED", "0")
"""What is drawn is the same each time, unless this is set."""

SAMPLES = 4
"""Of each operation and type."""

TYPES = (torch.float32, torch.int64, torch.bool, torch.uint8, torch.complex64)

OF_VALUES = re.compile(
    "out of bounds|out of range|probability|invalid multinomial|singular|sum to data.size|without overflow"
    "|ones in mask|diagonal element",
    re.IGNORECASE,
)
"""What torch says where it refuses values."""

OF_ANOTHER_DEVICE = re.compile(
    "'CPU' backend|not implemented for '(Complex)?(Half|BFloat16)'|MKL FFT|Unsupported dtype (Half|BFloat16)"
)

AS_ANOTHER_OPERATION = {
    "max_pool1d": "without gradients the CPU has a kernel for it alone, which takes no integers; else it is max_pool2d",
    "_native_batch_norm_legit": "its statistics without training have no elements on the CPU",
    "_segment_reduce": "its lengths are values",
}
"""Operations where a difference is known, and why it stands."""

TRUSTING = ("native_", "_batch_norm_with_update", "jiterator", *AS_ANOTHER_OPERATION)
"""Operations whose CPU kernels look at no sizes, because what calls them does: they would read what is not theirs."""

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


CHANGED_TYPES = (torch.float64, torch.int64, torch.bool, torch.float16, torch.int32, torch.uint8, torch.complex64)


def changed_tensor(tensor: torch.Tensor, draw: random.Random) -> torch.Tensor:
    """A tensor of another type, or of one size or dimension more or less."""
    if draw.random() < 0.4:
        return tensor.to(draw.choice(CHANGED_TYPES))
    shape = list(tensor.shape)
    change = draw.choice(["size", "more", "less"]) if shape else "more"
    if change == "size":
        index = draw.randrange(len(shape))
        shape[index] = max(shape[index] + draw.choice([-1, 1]), 1)
    shape = [2, *shape] if change == "more" else shape[1:] if change == "less" else shape
    elements, count = tensor.detach().reshape(-1), prod(shape)
    return elements.repeat(count // max(len(elements), 1) + 1)[:count].reshape(shape)


def changed(call: list[Any], draw: random.Random) -> list[Any]:
    """Arguments of which one is another tensor, number or list of numbers."""
    plain = [index for index, value in enumerate(call) if changeable(value)]
    if not plain:
        return call
    index = draw.choice(plain)
    value = call[index]
    if isinstance(value, torch.Tensor):
        value = changed_tensor(value, draw)
    elif isinstance(value, (list, tuple)):
        numbers = list(value)
        numbers[draw.randrange(len(numbers))] = draw.choice([-1, 0, 1, 5, -5])
        value = numbers + [1] * (draw.random() < 0.3)
    else:
        value = type(value)(draw.choice([-3, -1, 0, 1, 2, 3, 7]))
    return [*call[:index], value, *call[index + 1 :]]


def changeable(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.layout is torch.strided and value.numel() > 0
    numbers = isinstance(value, (list, tuple)) and bool(value) and all(type(number) is int for number in value)
    return numbers or type(value) in (int, float)


def altered(info: Any, count: int, share: float = 1) -> Iterator[Any]:
    """Samples with one thing changed, of a share of the operations; other ones with another seed."""
    draw = random.Random(f"{SEED} {info.formatted_name}")
    if any(name in info.name for name in TRUSTING) or torch.float32 not in info.dtypes or draw.random() >= share:
        return
    valid = [sample for sample in islice(info.sample_inputs("cpu", torch.float32), 8) if comparable(sample)]
    for sample in draw.choices(valid, k=count) if valid else ():
        names = list(sample.kwargs)
        values = changed([sample.input, *sample.args, *sample.kwargs.values()], draw)
        if not all(tensor.numel() for tensor in flat(values)):
            continue  # some kernels look at nothing where there is nothing to do
        arguments, named = values[: len(values) - len(names)], values[len(values) - len(names) :]
        yield SampleInput(arguments[0], args=tuple(arguments[1:]), kwargs=dict(zip(names, named, strict=True)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(errors, id="invalid"),
        pytest.param(partial(altered, count=2, share=0.1), id="changed"),
        pytest.param(partial(altered, count=20), id="changed often", marks=pytest.mark.full),
        pytest.param(samples, id="types", marks=pytest.mark.full),
    ],
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
