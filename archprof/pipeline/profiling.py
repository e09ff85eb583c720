"""The whole way from a spec to its profile."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.built import Built
from archprof.builder.fuse import fuse
from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.builder.row_errors import naming_rows
from archprof.count.conventions import report
from archprof.count.conventions.subject import Subject
from archprof.count.ledger import count
from archprof.errors import UsageError
from archprof.parameternet.twin import static
from archprof.pipeline.assembly import assemble
from archprof.records.conventions import DEFAULT, UNASKED, find_convention
from archprof.sources.origins.python import PythonSpec
from archprof.trace.recorder import ValuesNeededError, flat
from archprof.trace.run import Pass
from archprof.trace.tree import registered

if TYPE_CHECKING:
    from torch import nn

    from archprof.builder.options import Options
    from archprof.count.ledger import Ledger
    from archprof.records.profile import Profile, Reported
    from archprof.sources.spec import Spec


def profile(
    model: nn.Module,
    inputs: torch.Tensor | tuple[Any, ...] | dict[str, Any],
    *,
    backward: bool = False,
    convention: str = DEFAULT,
) -> Profile:
    """Run a model once, without memory, and count what ran.

    Args:
        model: Any module, on any device, in whatever mode it is in; it is left as it was found.
        inputs: What its forward takes: a tensor, the tuple of its positional arguments, or the dict of its keyword
            arguments.
        backward: Whether to count a training step: the forward pass in training mode, and the backward pass.
        convention: One of :data:`archprof.count.conventions.CONVENTIONS`, to be reported beside the exact count.

    Raises:
        RunError: Where the forward fails, or nothing is left to train.
        UsageError: Where there is no such convention, or it takes no keyword arguments.
    """
    arguments, keywords = _arguments(inputs)
    if keywords and convention != DEFAULT:
        raise UsageError(f"the convention {find_convention(convention).name!r} takes positional arguments only")
    remarks: tuple[str, ...] = ()
    again = Pass(inputs=arguments, keywords=keywords, backward=backward)
    try:
        pass_ = again(model)
    except ValuesNeededError as error:
        if any(parameter.is_meta for parameter in model.parameters()):
            raise
        # A copy: a pass with values may update statistics.
        again = replace(again, values=True)
        pass_ = again(copy.deepcopy(model))
        remarks = (f"run with values: {error.message}",)
    tensors = tuple(flat((arguments, keywords)))
    name = type(model).__name__
    built = Built(
        module=model,
        spec=PythonSpec(name=name, reference=name, target=f"{type(model).__module__}:{name}"),
        kind="image" if _is_image(*arguments, *keywords) else "tensors",
    )
    ledger = count(pass_)
    return assemble(
        built,
        ledger,
        inputs=tensors,
        again=again,
        device=str(tensors[0].device) if tensors else "meta",
        convention=convention,
        reported=_reported(Subject(model, arguments, ledger, built.kind == "image"), convention),
        remarks=remarks,
    )


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and the keyword arguments that some inputs are."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (inputs if isinstance(inputs, tuple) else (inputs,)), {}


def _is_image(*arguments: Any) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], torch.Tensor) and arguments[0].ndim == 4


@dataclass(frozen=True, slots=True)
class Counted:
    """A spec that was built, run and counted.

    Attributes:
        built: The model.
        inputs: What it was run on.
        ledger: Every operation with its cost.
        again: How it was run.
        device: Where it ran.
        seconds: How long the pass and the count took.
        remarks: What a reader of the figures should know of the pass.
    """

    built: Built
    inputs: tuple[torch.Tensor, ...]
    ledger: Ledger
    again: Pass
    device: str
    seconds: float
    remarks: tuple[str, ...]


Change = Callable[[Built, tuple[torch.Tensor, ...]], Built]
"""Makes another model of one that was built, given what it will be run on."""


def profile_spec(spec: Spec, options: Options, *, details: bool = True) -> Profile:
    """Build a spec, run it once, and count what ran.

    Args:
        spec: What to build.
        options: How to build and run it.
        details: Whether what a budget does without is wanted too: the modules, the operations and their work, and
            what others print of the model unasked.

    Raises:
        ArchprofError: Where it cannot be built, or does not run on the input asked for.
    """
    return assembled(count_spec(spec, options), options.convention, details=details)


def count_spec(spec: Spec, options: Options, change: Change | None = None) -> Counted:
    """As :func:`profile_spec`, with the ledger that the profile sums up.

    Args:
        spec: What to build.
        options: How to build and run it.
        change: What to do to the model before it is run.

    Raises:
        ArchprofError: As there.
    """
    device = "meta" if options.device == "auto" else options.device
    try:
        return _counted(spec, options, device, change)
    except ValuesNeededError as error:
        # The one case in which weights and activations are allocated although nobody asked for a device.
        return _counted(spec, options, "cpu", change, f"run on the CPU with values: {error.message}")


def assembled(counted: Counted, convention: str = DEFAULT, *, details: bool = True) -> Profile:
    """The profile of what was counted, with the figure of a convention; ``details`` as in :func:`profile_spec`."""
    built = counted.built
    subject = Subject(built.module, counted.inputs, counted.ledger, built.kind == "image")
    return assemble(
        built,
        counted.ledger,
        inputs=counted.inputs,
        again=counted.again,
        device=counted.device,
        convention=convention,
        reported=_reported(subject, convention, unasked=details),
        remarks=counted.remarks,
        details=details,
    )


def prepare(spec: Spec, options: Options) -> tuple[Built, tuple[torch.Tensor, ...]]:
    """Build a spec on the device that the options name, and make what it is run on.

    Raises:
        ArchprofError: Where it cannot be built, or takes no such input.
    """
    # The twin's plain layers are folded like any others.
    fused = options.fuse and not options.static
    built = build(spec, channels=options.channels, device=options.device, fuse=fused, size=options.size)
    inputs = make_inputs(built, size=options.size, batch=options.batch, dtype=options.dtype, device=options.device)
    if built.kind == "image" and not _is_in(built.module, inputs[0].dtype):
        built.module.to(inputs[0].dtype)
    if options.static:
        with naming_rows(built.module, spec):
            built = static(built, inputs)
        built = fuse(built) if options.fuse else built
    return built, inputs


def _is_in(model: nn.Module, dtype: torch.dtype) -> bool:
    """Whether all its floating-point tensors are of a type; converting them would take as long as building."""
    return all(
        tensor.dtype == dtype for tensor in registered(model) if tensor.is_floating_point() or tensor.is_complex()
    )


def _counted(spec: Spec, options: Options, device: str, change: Change | None, *remarks: str) -> Counted:
    if options.fuse and options.backward:
        raise UsageError("--fuse is for inference, --backward for training", hint="leave one of them out")
    built, inputs = prepare(spec, replace(options, device=device))
    if change is not None:
        with naming_rows(built.module, spec):
            built = change(built, inputs)
    again = Pass(inputs=inputs, backward=options.backward, values=device != "meta")
    start = perf_counter()
    with naming_rows(built.module, spec):
        ledger = count(again(built.module))
    return Counted(built, inputs, ledger, again, device, perf_counter() - start, (*built.remarks, *remarks))


def _reported(subject: Subject, convention: str, *, unasked: bool = True) -> dict[str, Reported]:
    """What was asked for, and what others print of the same model unasked, where they print anything."""
    names = {convention, *(UNASKED if unasked else ())} - {DEFAULT}
    reports = {name: report(find_convention(name), subject, shares=name == convention) for name in sorted(names)}
    return {name: report for name, report in reports.items() if report}
