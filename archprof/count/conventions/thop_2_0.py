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

from archprof import units
from archprof.count.conventions.subject import NotApplicableError, ToolStopsError, reason
from archprof.count.figures import Figures, Item
from archprof.count.ledger import count
from archprof.errors import RunError
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
        amounts: The operations that thop gives each call of a module that it has a rule for.
        shape: That image's shape.
        ratio: The area that was asked for over that image's.
    """

    trace: Trace
    amounts: list[tuple[ModuleCall, int]]
    shape: tuple[int, ...]
    ratio: Fraction

    @property
    def operations(self) -> int:
        """The operations that thop adds up over the pass."""
        return sum(number for _, number in self.amounts)


def replay(model: nn.Module, size: tuple[int, int]) -> Replay:
    """Do what Ultralytics did for a model at an image size (height, width).

    Raises:
        NotApplicableError: Where no parameter tells how many channels an image has.
        ToolStopsError: Where the model runs on neither image, or thop itself ends in an error at both sizes: then
            Ultralytics leaves the figure out.
    """
    name, first = next(model.named_parameters(), ("", None))
    if first is None or first.ndim < 2:
        raise NotApplicableError("Ultralytics takes the channels of the image from the first parameter's shape")
    strides: Any = getattr(model, "stride", None)
    stride = max(int(strides.max()), 32) if isinstance(strides, torch.Tensor) else 32
    channels, dtype = first.shape[1], first.dtype
    try:
        return _profiled(model, torch.empty(1, channels, stride, stride, device="meta", dtype=dtype), size)
    except RunError:
        pass
    try:
        return _profiled(model, torch.empty(1, channels, *size, device="meta", dtype=dtype), size)
    except ToolStopsError:
        raise
    except RunError as error:
        shape = "×".join(map(str, first.shape))
        takes = f"takes the channels of the image from the first parameter, here {name} of {shape}"
        images = (
            f"an image of {units.plural(channels, 'channel')}, neither of {stride}×{stride} nor of the size asked for"
        )
        raise ToolStopsError(f"Ultralytics {takes}; the model does not run on {images}") from error


def _profiled(model: nn.Module, image: torch.Tensor, size: tuple[int, int]) -> Replay:
    """What thop finds for an image, to be scaled to a size."""
    trace_of_image = trace(model, (image,))
    return Replay(
        trace_of_image, list(amounts(trace_of_image)), tuple(image.shape), Fraction(prod(size), prod(image.shape[-2:]))
    )


def figures(subject: Subject) -> Figures:
    """What Ultralytics would have printed.

    Raises:
        NotApplicableError: Where the model takes no image.
        RunError: As :func:`replay` does.
    """
    if not subject.image:
        raise NotApplicableError("it is for models that take images")
    height, width = subject.shape[-2:]
    replayed = replay(subject.model, (height, width))
    return Figures(
        [*given(replayed.amounts), *exact(of_one_image(subject))],
        scale=2 * replayed.ratio,
        shape=replayed.shape,
        per_image=True,
    )


def given(calls: Iterable[tuple[ModuleCall, int]]) -> Iterator[Item]:
    """What thop gives each call of a module, at the size that it looks at."""
    for call, number in calls:
        if number:
            yield Item(call.path, type(call.module).__name__, number, 0)


def of_one_image(subject: Subject) -> Ledger:
    """The exact count that thop's figure is compared with: of one image at the size that was asked for."""
    if subject.shape[0] == 1:
        return subject.ledger
    return count(trace(subject.model, (subject.inputs[0][:1],)))


def exact(ledger: Ledger) -> Iterator[Item]:
    """What ran at the size that was asked for, in modules that thop has a rule for and outside of them."""
    for entry in ledger.entries:
        if entry.count.macs:
            call = ledger.trace.calls[entry.operation.call]
            kind = type(call.module)
            yield Item(call.path, kind.__name__ if kind in RULES else entry.operation.name, 0, entry.count.macs)


def amounts(trace_of_image: Trace) -> Iterator[tuple[ModuleCall, int]]:
    """The operations that thop gives each call of a module that it has a rule for.

    Raises:
        ToolStopsError: Where the rule ends in an error, as thop's own does.
    """
    visits = _visits(trace_of_image.model)
    for call in trace_of_image.calls:
        if rule := RULES.get(type(call.module)):
            try:
                number = rule(call)
            except Exception as error:
                cause = reason(error)
                if not call.inputs:
                    cause = "it was called by keyword, and thop sees positional arguments only"
                name = f"{call.path or 'the model'} ({type(call.module).__name__})"
                raise ToolStopsError(f"thop itself stops at {name}: {cause}") from error
            yield call, visits[id(call.module)] ** 2 * number


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


def _leaky_relu(call: ModuleCall) -> int:
    return 0 * call.inputs[0].numel  # it reads the shape for nothing, and stops where there is none


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
    if module.dim is None:
        raise ToolStopsError("it has no dim, which thop's rule reads")
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
    operations = _cell_operations(type(module), module.input_size, module.hidden_size, module.bias)
    return operations * call.inputs[0].shape[0]


def _recurrent(call: ModuleCall) -> int:
    module: Any = call.module
    directions = 2 if module.bidirectional else 1
    widths = [module.input_size] + [module.hidden_size * directions] * (module.num_layers - 1)
    step = sum(directions * _cell_operations(type(module), width, module.hidden_size, module.bias) for width in widths)
    given, *rest = call.inputs
    if rest and rest[0].dtype == torch.int64:
        # A packed sequence: its data and the batch of each step, the first of which is the largest, as the state's is.
        return step * rest[0].shape[0] * call.outputs[-1].shape[-2]
    return step * given.shape[0] * given.shape[1]


RULES: dict[type, Rule] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _convolution),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _convolution),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm), _normalization),
    **dict.fromkeys((nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d), _normalization),
    **dict.fromkeys((nn.ReLU, nn.ReLU6, nn.Dropout, nn.ZeroPad2d, nn.PixelShuffle), _nothing),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), _nothing),
    **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), _nothing),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), _per_output),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), _adaptive_average),
    **dict.fromkeys((nn.Upsample, nn.UpsamplingBilinear2d, nn.UpsamplingNearest2d), _upsample),
    **dict.fromkeys((nn.RNNCell, nn.GRUCell, nn.LSTMCell), _cell),
    **dict.fromkeys((nn.RNN, nn.GRU, nn.LSTM), _recurrent),
    nn.LeakyReLU: _leaky_relu,
    nn.PReLU: _per_input,
    nn.Softmax: _softmax,
    nn.Linear: _linear,
}
"""Exact type -> thop's operations for one call, from the shapes that went in and came out."""
