"""What if further convolutions of a model were dynamic: predicted by the formulas, then built and counted."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from archprof.builder.dynamic_convolutions import make_dynamic
from archprof.count.memory import measure
from archprof.errors import UsageError, did_you_mean
from archprof.parameternet import formulas
from archprof.parameternet.convolutions import convolutions
from archprof.pipeline.counting import count_spec, finish
from archprof.pipeline.expert_sweep import totals
from archprof.records.parameternet import Candidate, Gain, WhatIf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from archprof.builder.built import Built
    from archprof.builder.options import Options
    from archprof.parameternet.convolutions import Convolution
    from archprof.records.parameternet import DynamicLayer
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

ALL, STRIDED = "all", "strided"
"""What may be asked for besides a pattern of modules' paths."""

NAMED = 4
"""How many paths a message names where nothing is near."""


def what_if(spec: Spec, options: Options, selection: str, experts: int) -> tuple[Profile, WhatIf]:
    """Make convolutions of a model dynamic.

    Args:
        spec: The model.
        options: How to build and run it.
        selection: "all", "strided", or a pattern of modules' paths as a shell has it (``model.3.*``).
        experts: M of each.

    Returns:
        The model's own profile, and what came of it.

    Raises:
        UsageError: Where nothing is chosen.
        ArchprofError: Where the model cannot be built or run, as it is or with dynamic convolutions.
    """
    counted = count_spec(spec, options)
    chosen = choose(convolutions(counted.ledger), selection)
    traffic = [sum(entry) for entry in measure(counted.ledger.trace).traffic]
    before = finish(counted)
    after = finish(count_spec(spec, options, Mix(frozenset(chosen), experts)))
    layers = {layer.module: layer for layer in after.parameternet.layers} if after.parameternet else {}
    candidates = [
        _candidate(layers[path], convolution, experts, sum(traffic[index] for index in convolution.indices))
        for path, convolution in chosen.items()
    ]
    candidates.sort(key=lambda convolution: (-convolution.per_byte, -convolution.per_flop))
    return before, WhatIf(
        selection=selection, experts=experts, candidates=candidates, before=totals(before), after=totals(after)
    )


def choose(plain: Mapping[str, Convolution], selection: str) -> dict[str, Convolution]:
    """The convolutions that are wanted.

    Raises:
        UsageError: Where there are none, with the nearest paths.
    """
    chosen = {
        path: convolution
        for path, convolution in plain.items()
        if selection == ALL
        or (selection == STRIDED and max(convolution.module.stride) > 1)
        or fnmatchcase(path, selection)
    }
    if chosen:
        return chosen
    if not plain:
        raise UsageError("the model has no plain convolution that could be made dynamic")
    some = ", ".join(list(plain)[:NAMED])
    raise UsageError(
        f"--what-if {selection!r} matches none of the {len(plain)} plain convolutions",
        hint=did_you_mean(selection, plain) or f"{ALL}, {STRIDED}, or a pattern of their paths: {some} ...",
    )


@dataclass(frozen=True, slots=True)
class Mix:
    """Makes convolutions of a model dynamic.

    Attributes:
        paths: The convolutions.
        experts: M of each.
    """

    paths: frozenset[str]
    experts: int

    def __call__(self, built: Built, inputs: tuple[Tensor, ...]) -> Built:
        """The model, changed in place; its new weights are the same each time."""
        make_dynamic(built.module, dict.fromkeys(sorted(self.paths), self.experts))
        return built


def _candidate(layer: DynamicLayer, plain: Convolution, experts: int, moved: int) -> Candidate:
    """One convolution as it was measured when it was dynamic, ``moved`` being the bytes that it moved before."""
    sizes = plain.sizes(experts)
    return Candidate(
        module=layer.module,
        in_channels=layer.in_channels,
        out_channels=layer.out_channels,
        kernel=layer.kernel,
        groups=layer.groups,
        stride=layer.stride,
        output_size=layer.output_size,
        parameters=Gain(
            predicted=formulas.built_parameters(sizes[0]) - formulas.static_parameters(sizes[0]),
            measured=layer.parameters.measured - sum(parameter.numel() for parameter in plain.module.parameters()),
        ),
        macs=Gain(
            predicted=sum(formulas.built_macs(size) - formulas.static_macs(size) for size in sizes),
            measured=layer.macs.measured - plain.macs,
        ),
        bytes=Gain(
            predicted=plain.traffic(experts) * plain.runs[0].outputs[0].dtype.itemsize,
            measured=layer.moved_bytes - moved,
        ),
    )
