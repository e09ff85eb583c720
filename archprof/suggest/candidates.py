"""Which convolutions of a model can be made dynamic: those that patterns name, less those that must stay plain."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from torch import nn

from archprof.builder.dynamic_convolutions import make_dynamic
from archprof.builder.fuse import fuse
from archprof.errors import UsageError, in_one_line
from archprof.pipeline.counting import prepare
from archprof.suggest.patterns import HEAD, permitted
from archprof.trace import tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.builder.built import Built
    from archprof.builder.options import Options
    from archprof.count.counted_model import CountedModel
    from archprof.parameternet.convolutions import Convolution
    from archprof.sources.spec import Spec

TRIAL = 2
"""The number of experts with which fusing is tried."""

STRIDED = "strided"
"""What a pattern may be besides a path: convolutions with a stride above 1."""


def choose(
    every: Mapping[str, Convolution], built: Built, only: Sequence[str], never: Sequence[str]
) -> dict[str, Convolution]:
    """The convolutions that patterns let through.

    Raises:
        UsageError: Where a pattern matches none, or none is left.
    """
    if not every:
        raise UsageError("the model has no plain convolution that could be made dynamic")
    allowed = permitted(
        {path: path for path in every},
        lambda pattern: _matching(every, built, pattern),
        only,
        never,
        "plain convolutions",
        f"{STRIDED}, {HEAD}, or a pattern of their paths",
    )
    if not allowed:
        raise UsageError("no convolution is left that could be made dynamic", hint="--never excludes all of --only")
    return {path: convolution for path, convolution in every.items() if path in allowed}


def _matching(every: Mapping[str, Convolution], built: Built, pattern: str) -> set[str]:
    """The convolutions that a pattern names: by their path, or by that of a module that they are in."""
    if pattern == STRIDED:
        return {path for path, convolution in every.items() if max(convolution.module.stride) > 1}
    prefix = built.layers[-1].path if pattern == HEAD and built.layers else pattern
    return {path for path in every if fnmatchcase(path, prefix) or path.startswith(f"{prefix}.")}


def causes_of_exclusion(
    chosen: Mapping[str, Convolution], plain: CountedModel, base: CountedModel, deployed: Mapping[str, str]
) -> dict[str, str]:
    """Why convolutions cannot be made dynamic, of those that cannot."""
    model, calls = plain.built.module, plain.ledger.trace.calls
    holders: dict[int, list[str]] = {}
    for name, part in tree.walk(model):
        for parameter in part._parameters.values():
            holders.setdefault(id(parameter), []).append(name)
    running = {call.path for call in base.ledger.trace.calls}
    causes = {}
    for path, convolution in chosen.items():
        sharers = [name for name in holders[id(convolution.module.weight)] if name != path]
        if sharers:
            causes[path] = f"shares its weight with {sharers[0]}"
        elif any(calls[run.call].module is not convolution.module for run in convolution.runs):
            causes[path] = "is applied as a function, not by calling its module"
        elif path not in deployed:
            causes[path] = "is dropped, or merged with others, when the model is fused for deployment"
        elif deployed[path] not in running and base is not plain:
            causes[path] = "does not run in the fused model"
    return causes


def merging(chosen: Mapping[str, Convolution], spec: Spec, options: Options, model: nn.Module) -> dict[str, str]:
    """The convolutions in blocks that fuse themselves, and whose code for that takes plain kernels only."""
    blocks: dict[str, list[str]] = {}
    for path in chosen:
        parents = [path.rsplit(".", end)[0] for end in range(1, path.count(".") + 1)]
        if block := next((parent for parent in parents if _fuses_itself(model.get_submodule(parent))), None):
            blocks.setdefault(block, []).append(path)
    causes: dict[str, str] = {}
    for block, paths in blocks.items():
        built, _ = prepare(spec, replace(options, fuse=False, device="meta"))
        make_dynamic(built.module, dict.fromkeys(paths, TRIAL))
        try:
            fuse(built)
        except Exception as error:  # whatever the block's code raises on a kernel of one dimension more
            kind = type(model.get_submodule(block)).__name__
            causes |= dict.fromkeys(paths, f"{kind} at {block} cannot be fused with it: {in_one_line(error)}")
    return causes


def _fuses_itself(module: nn.Module) -> bool:
    methods = (getattr(module, name, None) for name in ("fuse", "fuse_convs", "reparameterize", "switch_to_deploy"))
    return any(callable(method) and not isinstance(method, nn.Module) for method in methods)


def paths_after_fusing(spec: Spec, options: Options) -> dict[str, str]:
    """Where the plain convolutions are once a model is folded as for deployment: the new path by the old."""
    built, _ = prepare(spec, replace(options, fuse=False, device="meta"))
    before = {id(part): path for path, part in tree.walk(built.module) if type(part) is nn.Conv2d}
    return {before[id(part)]: path for path, part in tree.walk(fuse(built).module) if id(part) in before}
