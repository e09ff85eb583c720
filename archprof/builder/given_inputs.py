"""Inputs as they were asked for -> the tensors, in the order in which a model takes them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from archprof.errors import UsageError, did_you_mean
from archprof.sources.usercode import takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from archprof.builder.built import Built
    from archprof.builder.input_spec import InputSpec

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def image_of(inputs: Sequence[InputSpec]) -> tuple[int | None, tuple[int, ...] | None]:
    """Channels and (height, width), where the one input is an image: models are built for them."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].whole:
        return None, None
    return inputs[0].shape[1], inputs[0].shape[2:]


def with_inputs(built: Built, inputs: Sequence[InputSpec]) -> Built:
    """A model that takes the inputs by position, in the order of ``given``, whatever its forward calls them.

    Args:
        built: The model.
        inputs: What it is to be run on.

    Raises:
        UsageError: Where its forward takes no such inputs, or more.
    """
    module = built.module
    ordered, keywords = _arranged(module, inputs)
    if keywords:
        _take_by_position(module, len(ordered) - len(keywords), keywords)
    return replace(built, given=tuple(ordered), kind=_kind(ordered))


def tensors_of(inputs: Sequence[InputSpec], *, dtype: str, device: torch.device) -> tuple[Tensor, ...]:
    """The tensors; the same values every time.

    Args:
        inputs: What they are to be.
        dtype: The type of those that say none.
        device: Where they are to be.

    Returns:
        Given values where there are some; else numbers evenly distributed over the range that was asked for, in
        [0, 1) where none was; whole numbers without a range are 0.
    """
    if device.type == "meta":
        return tuple(
            torch.empty(spec.shape, dtype=getattr(torch, spec.dtype or dtype), device=device) for spec in inputs
        )
    generator = torch.Generator(device=device).manual_seed(0)
    return tuple(_tensor(spec, getattr(torch, spec.dtype or dtype), device, generator) for spec in inputs)


def _tensor(spec: InputSpec, dtype: torch.dtype, device: torch.device, generator: torch.Generator) -> Tensor:
    if spec.values is not None:
        return torch.as_tensor(spec.values).detach().to(device=device, dtype=dtype).clone()
    if spec.whole:
        if spec.low is None or spec.high is None:
            return torch.zeros(spec.shape, dtype=dtype, device=device)
        low, high = int(spec.low), int(spec.high)
        return torch.randint(low, high, spec.shape, dtype=dtype, device=device, generator=generator)
    values = torch.rand(spec.shape, dtype=dtype, device=device, generator=generator)
    return values if spec.low is None or spec.high is None else values * (spec.high - spec.low) + spec.low


def _kind(inputs: Sequence[InputSpec]) -> str:
    if len(inputs) == 1 and len(inputs[0].shape) == 4 and not inputs[0].whole:
        return "image"
    return "tokens" if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].whole else "tensors"


def _arranged(module: nn.Module, inputs: Sequence[InputSpec]) -> tuple[list[InputSpec], tuple[str, ...]]:
    """The inputs in the order of the forward's parameters, each with its name; those that only a name can give last.

    Returns:
        The inputs, and the names of the last of them that are given by name.
    """
    try:
        parameters = dict(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):  # what is written in C or scripted may have none
        return list(inputs), tuple(spec.name for spec in inputs if spec.name)
    kinds = {parameter.kind for parameter in parameters.values()}
    by_position = [name for name, parameter in parameters.items() if parameter.kind in _BY_POSITION]
    by_name = {name for name, parameter in parameters.items() if parameter.kind in _BY_NAME}
    named = {spec.name: spec for spec in inputs if spec.name}
    loose = [spec for spec in inputs if not spec.name]
    _check(module, inputs, named, by_name, any_name=inspect.Parameter.VAR_KEYWORD in kinds)
    free = [name for name in by_position if name not in named]
    if len(loose) > len(free) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        raise _refusal(module, f"takes {len(by_position)} by position, not {len(inputs)}")
    for name, spec in zip(free, loose, strict=False):
        named[name] = replace(spec, name=name)
    rest = loose[len(free) :]
    required = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind in (*_BY_POSITION, *_BY_NAME) and name not in named
    ]
    if required:
        missing = " ".join(f"--input {name}=SHAPE" for name in required)
        raise _refusal(module, f"needs {' and '.join(required)}, too", f"add {missing}")
    first = 0  # parameters from the first on that are all given: these go by position
    while first < len(by_position) and by_position[first] in named:
        first += 1
    ordered = [named.pop(name) for name in by_position[:first]]
    if rest and first < len(by_position):
        raise _refusal(module, f"has no input for {by_position[first]}")
    return [*ordered, *rest, *named.values()], tuple(named)


def _check(
    module: nn.Module,
    inputs: Sequence[InputSpec],
    named: dict[str, InputSpec],
    by_name: set[str],
    *,
    any_name: bool,
) -> None:
    """Refuse a name that is given twice, or that no parameter has.

    Raises:
        UsageError: Where there is one.
    """
    names = [spec.name for spec in inputs if spec.name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _refusal(module, f"was given the input {twice!r} twice")
    if unknown := next((name for name in named if name not in by_name and not any_name), None):
        raise _refusal(module, f"has no input {unknown!r}", did_you_mean(unknown, by_name))


def _refusal(module: nn.Module, message: str, hint: str | None = None) -> UsageError:
    signature = f"it is {type(module).__name__}.forward{takes(module.forward)}"
    return UsageError(f"the model's forward {message}", hint=f"{hint}\n{signature}" if hint else signature)


def _take_by_position(module: nn.Module, positional: int, keywords: tuple[str, ...]) -> None:
    """Have a module take its keyword arguments by position, behind the others.

    All that looks at a model (recorders, other tools' counters, exporters) gives it a tuple of tensors. The class is
    replaced and not the instance's function, so that a copy of the module calls its own.
    """
    kind: Any = type(module)

    def forward(self: nn.Module, *tensors: Tensor) -> Any:
        named = dict(zip(keywords, tensors[positional:], strict=True))
        return kind.forward(self, *tensors[:positional], **named)

    names = {"forward": forward, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    try:
        module.__class__ = type(kind.__name__, (kind,), names)
    except TypeError:
        raise UsageError(
            f"a {kind.__name__} does not take inputs by name: {', '.join(keywords)}",
            hint="give its inputs by position: --input SHAPE for each",
        ) from None
