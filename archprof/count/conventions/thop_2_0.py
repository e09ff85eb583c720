"""What ultralytics-thop 2.0 says, as Ultralytics up to 8.3 called it and printed it.

The rule, read from ultralytics-thop 2.0.14 and held against it run for real by the tests:

- only modules whose *exact* type is in its table count; whatever runs outside them (functions, matrix products,
  attention, subclasses of a listed type) is nothing;
- a module that the tree holds under several parents is given its hooks once a parent and read once a parent, so n
  parents make it n² times as dear;
- Ultralytics profiles one image as small as the largest stride (at least 32), doubles the result, and
  multiplies by the ratio of areas; only where that fails does it profile the size that was asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.count.conventions.subject import Figures, Item
from archprof.errors import RunError
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.count.conventions.subject import Subject
    from archprof.count.ledger import Ledger
    from archprof.trace.record import ModuleCall, Trace

    Rule = Callable[[ModuleCall], int]

NAME = "thop-2.0"


@dataclass(frozen=True, slots=True)
class Replay:
    """What thop looks at, and how Ultralytics scales what it finds.

    Attributes:
        trace: The pass over the image that is profiled.
        shape: That image's shape.
        ratio: The area that was asked for over that image's.
    """

    trace: Trace
    shape: tuple[int, ...]
    ratio: Fraction

    @property
    def operations(self) -> int:
        """The operations that thop adds up over the pass."""
        return sum(number for _, number in amounts(self.trace))


def replay(model: nn.Module, size: tuple[int, int]) -> Replay | None:
    """Do what Ultralytics did for a model at an image size (height, width).

    Returns:
        None where the model takes no image, so that nothing would have been printed.
    """
    first = next(model.parameters(), None)
    if first is None or first.ndim < 2:
        return None
    strides: Any = getattr(model, "stride", None)
    stride = max(int(strides.max()), 32) if isinstance(strides, torch.Tensor) else 32
    for height, width in ((stride, stride), size):
        image = torch.empty(1, first.shape[1], height, width, device="meta", dtype=first.dtype)
        try:
            replayed = trace(model, (image,))
        except RunError:
            continue
        return Replay(replayed, tuple(image.shape), Fraction(prod(size), height * width))
    return None


def figures(subject: Subject) -> Figures | None:
    """What Ultralytics would have printed; None where the model takes no image."""
    if not subject.image:
        return None
    height, width = subject.inputs[0].shape[-2:]
    replayed = replay(subject.model, (height, width))
    if replayed is None:
        return None
    return Figures([*_given(replayed.trace), *_exact(subject.ledger)], scale=2 * replayed.ratio, shape=replayed.shape)


def _given(trace: Trace) -> Iterator[Item]:
    """What thop gives, at the size that it looks at."""
    for call, number in amounts(trace):
        if number:
            yield Item(call.path, type(call.module).__name__, number, 0)


def _exact(ledger: Ledger) -> Iterator[Item]:
    """What ran at the size that was asked for, in modules that thop has a rule for and outside of them."""
    for entry in ledger.entries:
        if entry.count.macs:
            call = ledger.trace.calls[entry.operation.call]
            kind = type(call.module)
            yield Item(call.path, kind.__name__ if kind in RULES else entry.operation.name, 0, entry.count.macs)


def amounts(trace: Trace) -> Iterator[tuple[ModuleCall, int]]:
    """The operations that thop gives each call of a module that it has a rule for."""
    visits = _visits(trace.model)
    for call in trace.calls:
        if rule := RULES.get(type(call.module)):
            yield call, visits[id(call.module)] ** 2 * rule(call)


def _visits(model: nn.Module) -> Counter[int]:
    """How often a walk down the tree meets each module; thop does not look below a module that has a rule."""
    visits: Counter[int] = Counter()
    stack = [model]
    while stack:
        module = stack.pop()
        visits[id(module)] += 1
        if type(module) not in RULES:
            stack.extend(module.children())
    return visits


def _nothing(call: ModuleCall) -> int:
    return 0


def _convolution(call: ModuleCall) -> int:
    # By output elements even where transposed, which is right only without stride; a bias is nothing.
    module: Any = call.module
    kernel = int(prod(module.weight.shape[2:]))
    return call.outputs[0].numel * (call.inputs[0].shape[1] // int(module.groups)) * kernel


def _normalization(call: ModuleCall) -> int:
    affine = getattr(call.module, "affine", False) or getattr(call.module, "elementwise_affine", False)
    return call.inputs[0].numel * (4 if affine else 2)


def _per_input(call: ModuleCall) -> int:
    return call.inputs[0].numel


def _per_output(call: ModuleCall) -> int:
    return call.outputs[0].numel


def _softmax(call: ModuleCall) -> int:
    module: Any = call.module
    features: int = call.inputs[0].shape[module.dim]
    return call.inputs[0].numel // features * (3 * features - 1)


def _adaptive_average(call: ModuleCall) -> int:
    # In floating point and rounded down at the end, as thop does it.
    kernel = prod(i / o for i, o in zip(call.inputs[0].shape[2:], call.outputs[0].shape[2:], strict=True))
    return int((kernel + 1) * call.outputs[0].numel)


_UPSAMPLE = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}


def _upsample(call: ModuleCall) -> int:
    module: Any = call.module
    return call.outputs[0].numel * _UPSAMPLE.get(module.mode, 0)


def _linear(call: ModuleCall) -> int:
    module: Any = call.module
    return call.outputs[0].numel * int(module.in_features)


_GATES: dict[type[nn.Module], int] = {nn.RNNCell: 1, nn.RNN: 1, nn.GRUCell: 3, nn.GRU: 3, nn.LSTMCell: 4, nn.LSTM: 4}
_CELL_EXTRA = {1: 0, 3: 4, 4: 4}
"""Elementwise products and sums of a cell beyond its gates, in units of the hidden size, by number of gates."""


def _cell_operations(kind: type[nn.Module], inputs: int, hidden: int, bias: bool) -> int:
    gates = _GATES[kind]
    return gates * (hidden * (inputs + hidden) + hidden * (3 if bias else 1)) + hidden * _CELL_EXTRA[gates]


def _cell(call: ModuleCall) -> int:
    module: Any = call.module
    one = _cell_operations(type(module), module.input_size, module.hidden_size, module.bias)
    return one * call.inputs[0].shape[0]


def _recurrent(call: ModuleCall) -> int:
    module: Any = call.module
    directions = 2 if module.bidirectional else 1
    widths = [module.input_size] + [module.hidden_size * directions] * (module.num_layers - 1)
    one = sum(directions * _cell_operations(type(module), width, module.hidden_size, module.bias) for width in widths)
    return one * call.inputs[0].shape[0] * call.inputs[0].shape[1]


RULES: dict[type, Rule] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _convolution),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _convolution),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm), _normalization),
    **dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), _normalization),
    **dict.fromkeys((nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Dropout, nn.ZeroPad2d, nn.PixelShuffle), _nothing),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), _nothing),
    **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), _nothing),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _per_output),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), _adaptive_average),
    **dict.fromkeys((nn.Upsample, nn.UpsamplingBilinear2d, nn.UpsamplingNearest2d), _upsample),
    **dict.fromkeys((nn.RNNCell, nn.GRUCell, nn.LSTMCell), _cell),
    **dict.fromkeys((nn.RNN, nn.GRU, nn.LSTM), _recurrent),
    nn.PReLU: _per_input,
    nn.Softmax: _softmax,
    nn.Linear: _linear,
}
"""Exact type -> thop's operations for one call, from the shapes that went in and came out."""
