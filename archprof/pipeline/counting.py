"""A request, or a module that is there already -> a counted model -> its profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.built import Built
from archprof.builder.fuse import fuse
from archprof.builder.input_errors import naming_inputs
from archprof.builder.inputs import find_dtype, make_inputs
from archprof.builder.load import build
from archprof.builder.row_errors import naming_rows
from archprof.count.conventions import reports
from archprof.count.conventions.subject import Subject
from archprof.count.counted_model import CountedModel
from archprof.count.ledger import count
from archprof.count.unread_weights import unread_weights
from archprof.errors import UsageError
from archprof.parameternet.twin import static
from archprof.pipeline.assembly import assemble
from archprof.records.conventions import DEFAULT
from archprof.records.remarks import advanced_generators
from archprof.sources.origins.python import PythonSpec
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import RunSpec
from archprof.trace.subclasses import is_fake
from archprof.trace.tree import registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from archprof.builder.options import Options
    from archprof.pipeline.request import Level
    from archprof.records.profile import Profile, Reported
    from archprof.sources.spec import Spec

Change = Callable[[Built, tuple[torch.Tensor, ...]], Built]
"""Makes another model of one that was built, given what it will be run on."""


def profile_spec(spec: Spec, options: Options, conventions: Sequence[str] = (), *, level: Level = "full") -> Profile:
    """Build a spec, run it once, and count what ran.

    Args:
        spec: What to build.
        options: How to build and run it.
        conventions: What is reported beside the exact count, the first of which tables are printed in.
        level: How much of the profile is wanted.

    Raises:
        ArchprofError: Where it cannot be built, or does not run on the input asked for.
    """
    return finish(count_spec(spec, options), conventions, level=level)


def profile_module(
    module: nn.Module,
    inputs: torch.Tensor | tuple[Any, ...] | Mapping[str, Any],
    *,
    backward: bool = False,
    conventions: Sequence[str] = (),
) -> Profile:
    """Run a module once, without memory, and count what ran.

    Args:
        module: Any module, on any device, in whatever mode it is in; it is left as it was found.
        inputs: What its forward takes: a tensor, the tuple of its positional arguments, or a mapping of its keyword
            arguments.
        backward: Whether to count a training step: the forward pass in training mode, and the backward pass.
        conventions: Some of :data:`archprof.records.conventions.CONVENTIONS`, reported beside the exact count.

    Raises:
        RunError: Where the forward fails, or nothing is left to train.
        UsageError: Where there is no such convention.
    """
    return finish(count_module(module, inputs, backward=backward), conventions)


def count_module(
    module: nn.Module, inputs: torch.Tensor | tuple[Any, ...] | Mapping[str, Any], *, backward: bool = False
) -> CountedModel:
    """As :func:`profile_module`, with the ledger that the profile sums up."""
    arguments, keywords = _arguments(inputs)
    remarks: tuple[str, ...] = ()
    run = RunSpec(inputs=arguments, keywords=keywords, backward=backward)
    start = perf_counter()
    try:
        trace = run(module)
    except DataDependentError as error:
        given = (*module.parameters(), *flat((arguments, keywords)))
        if any(tensor.is_meta or is_fake(tensor) for tensor in given):
            raise
        run = replace(run, values=True)
        trace = run(module)
        remarks = (f"run with values: {error.message}",)
    tensors = tuple(flat((arguments, keywords)))
    name = type(module).__name__
    built = Built(
        module=module,
        spec=PythonSpec(name=name, reference=name, target=f"{type(module).__module__}:{name}"),
        kind="image" if _is_image(*arguments, *keywords) else "tensors",
    )
    device = str(tensors[0].device) if tensors else "meta"
    remarks = (*remarks, *unread_weights(trace), *advanced_generators(trace.advanced))
    return CountedModel(built, tensors, count(trace), run, device, perf_counter() - start, remarks)


def count_spec(spec: Spec, options: Options, change: Change | None = None) -> CountedModel:
    """Build a spec, run it once, and count what ran.

    Args:
        spec: What to build.
        options: How to build and run it.
        change: What to do to the model before it is run.

    Raises:
        ArchprofError: Where it cannot be built, or does not run on the input asked for.
    """
    device = "meta" if options.device == "auto" else options.device
    try:
        return _count(spec, options, device, change)
    except DataDependentError as error:
        # The one case in which weights and activations are allocated although nobody asked for a device.
        return _count(spec, options, "cpu", change, f"run on the CPU with values: {error.message}")


def finish(counted: CountedModel, conventions: Sequence[str] = (), *, level: Level = "full") -> Profile:
    """The profile of what was counted.

    Args:
        counted: The model.
        conventions: What is reported beside the exact count, the first of which tables are printed in.
        level: How much of the profile is wanted.

    Raises:
        UsageError: Where there is no such convention.
    """
    reported, unavailable = _reports(counted, conventions, level)
    return assemble(
        replace(counted, remarks=(*counted.remarks, *unavailable)),
        conventions=[name for name in dict.fromkeys(conventions) if name != DEFAULT],
        reported=reported,
        level=level,
    )


def prepare(spec: Spec, options: Options) -> tuple[Built, tuple[torch.Tensor, ...]]:
    """Build a spec on the device that the options name, and make what it is run on.

    Raises:
        ArchprofError: Where it cannot be built, or takes no such input.
    """
    options.check_inputs()
    # The static equivalent's plain layers are folded like any others.
    fused = options.fuse and not options.static
    built = build(
        spec, channels=options.channels, device=options.device, fuse=fused, size=options.size, inputs=options.inputs
    )
    inputs = make_inputs(built, size=options.size, batch=options.batch, dtype=options.dtype, device=options.device)
    dtype = _dtype(built, inputs, options)
    if dtype is not None and not _is_in(built.module, dtype):
        built.module.to(dtype)
    if options.static:
        with naming_rows(built.module, spec, built.layers):
            built = static(built, inputs)
        built = fuse(built) if options.fuse else built
    return built, inputs


def _count(spec: Spec, options: Options, device: str, change: Change | None, *remarks: str) -> CountedModel:
    if options.fuse and options.backward:
        raise UsageError("--fuse is for inference, --backward for training", hint="leave one of them out")
    built, inputs = prepare(spec, replace(options, device=device))
    if change is not None:
        with naming_rows(built.module, spec, built.layers):
            built = change(built, inputs)
    run = RunSpec(inputs=inputs, backward=options.backward, values=device != "meta")
    start = perf_counter()
    with naming_inputs(built, inputs), naming_rows(built.module, spec, built.layers):
        ledger = count(run(built.module))
    all_remarks = (*built.remarks, *remarks, *unread_weights(ledger.trace))
    return CountedModel(built, inputs, ledger, run, device, perf_counter() - start, all_remarks)


def _reports(
    counted: CountedModel, conventions: Sequence[str], level: Level
) -> tuple[dict[str, Reported], tuple[str, ...]]:
    """What was asked for, and what others print of the same model unasked; remarks where there is no figure."""
    names = {*conventions, *(counted.built.spec.reporters if level == "full" else ())}
    run = counted.run
    subject = Subject(counted.built.module, run.inputs, counted.ledger, counted.built.kind == "image", run.keywords)
    return reports(subject, sorted(names), asked=set(conventions))


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and the keyword arguments that some inputs are."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (inputs if isinstance(inputs, tuple) else (inputs,)), {}


def _is_image(*arguments: Any) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], torch.Tensor) and arguments[0].ndim == 4


def _dtype(built: Built, inputs: tuple[torch.Tensor, ...], options: Options) -> torch.dtype | None:
    """What the weights are to be of: what the first input with a fraction is of, or what was asked for."""
    if built.kind == "image":
        return inputs[0].dtype
    fractions = [tensor.dtype for tensor in inputs if tensor.is_floating_point()]
    requested = find_dtype(options.dtype) if built.given and options.dtype != "float32" else None
    return fractions[0] if built.given and fractions else requested


def _is_in(module: nn.Module, dtype: torch.dtype) -> bool:
    """Whether all its floating-point tensors are of a type; converting them would take as long as building."""
    return all(
        tensor.dtype == dtype for tensor in registered(module) if tensor.is_floating_point() or tensor.is_complex()
    )
