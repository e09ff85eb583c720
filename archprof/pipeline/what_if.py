"""What if further convolutions of a model were dynamic: predicted by the formulas, then built and counted."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import torch

from archprof.count.memory import measure
from archprof.errors import UsageError, did_you_mean
from archprof.parameternet import formulas
from archprof.parameternet.convolutions import convolutions
from archprof.parameternet.mixed_convolution import MixedConvolution
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


def what_if(spec: Spec, options: Options, wanted: str, experts: int) -> tuple[Profile, WhatIf]:
    """Make convolutions of a model dynamic.

    Args:
        spec: The model.
        options: How to build and run it.
        wanted: "all", "strided", or a pattern of modules' paths as a shell has it (``model.3.*``).
        experts: M of each.

    Returns:
        The model's own profile, and what came of it.

    Raises:
        UsageError: Where nothing is chosen.
        ArchprofError: Where the model cannot be built or run, as it is or with dynamic convolutions.
    """
    counted = count_spec(spec, options)
    chosen = choose(convolutions(counted.ledger), wanted)
    traffic = [sum(one) for one in measure(counted.ledger.trace).traffic]
    before = finish(counted)
    after = finish(count_spec(spec, options, Mix(frozenset(chosen), experts)))
    layers = {layer.module: layer for layer in after.parameternet.layers} if after.parameternet else {}
    candidates = [
        _candidate(layers[path], one, experts, sum(traffic[place] for place in one.places))
        for path, one in chosen.items()
    ]
    candidates.sort(key=lambda one: (-one.per_byte, -one.per_flop))
    return before, WhatIf(
        chosen=wanted, experts=experts, candidates=candidates, before=totals(before), after=totals(after)
    )


def choose(found: Mapping[str, Convolution], wanted: str) -> dict[str, Convolution]:
    """The convolutions that are wanted.

    Raises:
        UsageError: Where there are none, with the nearest paths.
    """
    chosen = {
        path: one
        for path, one in found.items()
        if wanted == ALL or (wanted == STRIDED and max(one.module.stride) > 1) or fnmatchcase(path, wanted)
    }
    if chosen:
        return chosen
    if not found:
        raise UsageError("the model has no plain convolution that could be made dynamic")
    some = ", ".join(list(found)[:NAMED])
    raise UsageError(
        f"--what-if {wanted!r} matches none of the {len(found)} plain convolutions",
        hint=did_you_mean(wanted, found) or f"{ALL}, {STRIDED}, or a pattern of their paths: {some} ...",
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            new = {id(one): path for path, one in built.module.named_modules() if path in self.paths}
            mixed = {}
            for path, one in list(built.module.named_modules(remove_duplicate=False)):
                if id(one) in new:
                    first = new[id(one)]
                    if first not in mixed:
                        mixed[first] = MixedConvolution(one, self.experts).train(one.training)
                    built.module.set_submodule(path, mixed[first])
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
            predicted=sum(formulas.built_macs(one) - formulas.static_macs(one) for one in sizes),
            measured=layer.macs.measured - plain.macs,
        ),
        bytes=Gain(
            predicted=plain.moved(experts) * plain.runs[0].outputs[0].dtype.itemsize,
            measured=layer.moved_bytes - moved,
        ),
    )
