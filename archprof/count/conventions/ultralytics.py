"""What the installed Ultralytics prints: its own ``get_flops`` and its own thop, run for real on a pass without memory.

Only the passes are archprof's, in which a kernel gives shapes alone; the rules, which images are profiled, and what is
made of them are the packages'. What thop notes at modules and for functions is read as it is made, so that the figure
has its parts.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager, suppress
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

from archprof.builder.ultralytics_import import import_ultralytics
from archprof.count.conventions import thop_2_0
from archprof.count.conventions.subject import NotApplicableError, ToolStopsError, reason
from archprof.count.figures import Figures, Item
from archprof.count.proxies import SCALE, ProxyReading, at_size, extrapolated, items
from archprof.trace.recorder import Recorder
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archprof.count.conventions.subject import Subject
    from archprof.count.proxies import Key

    Run = Callable[[nn.Module, tuple[Any, ...]], Any]

NAME = "ultralytics"

_NUMBER = "total_ops"
"""The attribute under which thop notes what it gives a module."""

_LARGE = (4096, 4096)
"""An image size at which smaller images pay off, whatever a model needs at least."""

_FIXED = (
    *(nn.Linear, nn.Bilinear, nn.RNNBase, nn.RNNCell, nn.GRUCell, nn.LSTMCell),
    *(nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd),
)
"""Modules for which thop looks at two images: their cost, or that of what follows, is the same on any."""


class Watched(nn.Module):
    """A model as thop profiles it, whose passes are made without memory and read.

    Args:
        model: The model.
        run: Makes one pass of it.

    Attributes:
        readings: What thop gave it, pass by pass, with the shape of the first input.
        error: What stopped the last pass that failed.
    """

    def __init__(self, model: nn.Module, run: Run = trace) -> None:
        super().__init__()
        self.model = model
        self.readings: list[tuple[tuple[int, ...], ProxyReading]] = []
        self.error: Exception | None = None
        self._run = run
        self.training = model.training

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("model"), name)  # Ultralytics asks a model for its strides

    def forward(self, *inputs: Any) -> None:
        """Make a pass, and read what thop noted in it before the pass is undone."""
        notes: dict[str, tuple[nn.Module, int]] = {}

        def read(*_: Any) -> None:
            for path, module in self.model.named_modules():
                if _NUMBER in module.__dict__:
                    notes[path] = module, module.__dict__[_NUMBER]

        hook = self.model.register_forward_hook(read)
        try:
            with _functions() as functions:
                self._run(self.model, inputs)
        except Exception as error:
            self.error = error
            raise
        finally:
            hook.remove()
        for module, number in notes.values():
            module.__dict__[_NUMBER] = number
        modules = {(path, type(module).__name__): int(number) for path, (module, number) in notes.items() if number}
        shape = tuple(inputs[0].shape) if isinstance(inputs[0], torch.Tensor) else ()
        self.readings.append((shape, ProxyReading(modules, dict(functions), *kinds_of(self.model))))


def kinds_of(model: nn.Module) -> tuple[bool, bool]:
    """Whether a model has modules for which thop looks at two images, and such for which it looks at four."""
    modules = [*model.modules()]
    return (
        any(isinstance(module, _FIXED) for module in modules),
        any(isinstance(module, nn.MultiheadAttention) for module in modules),
    )


def figures(subject: Subject) -> Figures:
    """What the installed Ultralytics prints.

    Raises:
        NotApplicableError: Where the model takes no image.
        ToolStopsError: Where Ultralytics leaves the figure out.
    """
    if not subject.image:
        raise NotApplicableError("it is for models that take images")
    size = subject.shape[-2], subject.shape[-1]
    watched = Watched(subject.model)
    operations = round(_gflops(watched, size) * 10**9 / 2)
    exact = list(thop_2_0.exact(thop_2_0.of_one_image(subject)))
    reading = _of_size(watched.readings, size)
    if reading is None or reading.total != operations:  # another version went another way about it
        return Figures([Item("", "all", operations, sum(item.macs for item in exact))], scale=SCALE, per_image=True)
    return Figures(items(reading, exact), scale=SCALE, shape=(*watched.readings[-1][0][:2], *size), per_image=True)


def sampling_is_known() -> bool:
    """Whether :func:`at_size` goes the way of the installed versions, tried on small models of every kind."""
    sizes = {"proportional": [(256, 256), (64, 96), (256, 100)]}
    return all(_as_known(_Probe(kind), size) for kind in _Probe.KINDS for size in sizes.get(kind, [(256, 256)]))


def least_cells(model: nn.Module) -> int:
    """How many strides wide the smallest image is on which Ultralytics profiles a model: what its head needs."""
    shapes: list[torch.Size] = []

    def look(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        shapes.append(inputs[0].shape)
        raise ToolStopsError("the size is all that is wanted")

    with suppress(ToolStopsError):
        _gflops(Watched(model, look), _LARGE)
    return shapes[0][-1] // shapes[0][-2] if shapes else 1


def read_once(model: nn.Module, inputs: tuple[Any, ...], run: Run = trace) -> ProxyReading:
    """What thop gives the parts of a model on some inputs; whatever stops it may pass."""
    import thop

    watched = Watched(model, run)
    thop.profile(watched, inputs=inputs, verbose=False)
    return watched.readings[-1][1]


def _as_known(model: nn.Module, size: tuple[int, int]) -> bool:
    def read(height: int, width: int) -> ProxyReading:
        return read_once(model, (torch.empty(1, 3, height, width, device="meta"),))

    return at_size(size, 32, 1, read).total == round(_gflops(Watched(model), size) * 10**9 / 2)


class _Probe(nn.Module):
    """A model whose cost grows with the area of the image, or otherwise."""

    KINDS = ("proportional", "fixed", "square", "attention", "cube")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.convolution = nn.Conv2d(3, 4, 3, 16, 1, device="meta")
        if kind == "fixed":
            self.linear = nn.Linear(4, 5, device="meta")
        if kind == "attention":
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True, device="meta")

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """The convolution, and something after it."""
        tokens: torch.Tensor = self.convolution(image).flatten(2).transpose(1, 2)
        if self.kind == "fixed":
            return self.linear(tokens.mean(1))  # type: ignore[no-any-return]
        if self.kind == "attention":
            return self.attention(tokens, tokens, tokens)[0]  # type: ignore[no-any-return]
        if self.kind == "proportional":
            return tokens
        square = tokens @ tokens.transpose(1, 2)
        return square @ square if self.kind == "cube" else square


def _gflops(watched: Watched, size: tuple[int, int]) -> float:
    """What Ultralytics prints.

    Raises:
        ToolStopsError: Where it prints nothing.
    """
    import_ultralytics()
    from ultralytics.utils.torch_utils import get_flops

    gflops = float(get_flops(watched, list(size)))
    if not gflops:
        why = f": {reason(watched.error)}" if watched.error else ", as wherever its thop fails or gives nothing"
        raise ToolStopsError(f"Ultralytics itself prints none{why}")
    return gflops


def _of_size(readings: Sequence[tuple[tuple[int, ...], ProxyReading]], size: tuple[int, int]) -> ProxyReading | None:
    """What thop gave each part of the model, at the size that was asked for."""
    shape, last = readings[-1]
    if shape[-2:] == size:
        return last
    stride = shape[-2]
    least = readings[0][0][-1] // stride
    return extrapolated([reading for _, reading in readings], prod(side // stride for side in size), least)


@contextmanager
def _functions() -> Iterator[dict[Key, int]]:
    """While it holds, what thop's rules for functions say is added up for each module that called one."""
    import thop  # noqa: F401 - which hides its module of the same name behind its function

    table: dict[Any, Any] = getattr(sys.modules["thop.profile"], "functional_hooks", {})
    rules: dict[Any, Any] = dict(table)
    amounts: Counter[Key] = Counter()

    def listening(function: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
        def give(*arguments: Any) -> Any:
            amount = rule(*arguments)
            recorder = _get_current_dispatch_mode()
            if isinstance(recorder, Recorder):
                amounts[recorder.path, function.__name__] += int(amount)
            return amount

        return give

    table.update({function: listening(function, rule) for function, rule in rules.items()})
    try:
        yield amounts
    finally:
        table.update(rules)
