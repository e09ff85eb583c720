"""An exported program (``.pt2``) -> its profile: its nodes are traced as a model's operations are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from msgspec import structs

from archprof.builder.built import Built
from archprof.builder.program.build import build_program
from archprof.count.conventions import reports
from archprof.count.conventions.subject import Subject
from archprof.count.counted_model import CountedModel
from archprof.count.ledger import count
from archprof.pipeline.assembly import assemble
from archprof.pipeline.graph_formats import GRAPH_FORMATS
from archprof.pipeline.graph_formats.options import MEMORYLESS, RUN, refuse, sizes_of
from archprof.records.conventions import DEFAULT, find_convention
from archprof.records.profile import ModelFile
from archprof.sources.program_file.reader import read
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import RunSpec

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.builder.program.build import BuiltProgram
    from archprof.builder.program.sizing import SizedProgram
    from archprof.pipeline.request import Request
    from archprof.records.profile import Profile
    from archprof.sources.program_file.reader import ProgramFile
    from archprof.sources.spec import Spec


def profile(request: Request) -> Profile:
    """Count an exported program.

    Raises:
        ProgramFileError: Where it is none, or is damaged.
        UsageError: Where it takes no such input, or something is asked for that only a module has.
        RunError: Where it cannot run at that size.
    """
    return finish(count_program(request), request)


@dataclass(frozen=True, slots=True)
class CountedProgram:
    """A program that was run and counted, and what its file says of itself."""

    counted: CountedModel
    file: ModelFile


def load(spec: Spec, options: Options, device: str) -> BuiltProgram:
    """A program that can be run.

    Args:
        spec: The file.
        options: The size of its inputs.
        device: "meta", or where its tensors are to be.

    Raises:
        ProgramFileError: Where it is none, or is damaged.
        UsageError: Where it takes no such input.
    """
    assert spec.path is not None
    return build_program(read(spec.path), sizes_of(options), torch.device(device))


def count_program(request: Request) -> CountedProgram:
    """Run a program once, without memory where that tells what it runs, and count what ran.

    Raises:
        ArchprofError: As of :func:`profile`.
    """
    refuse(request.spec.reference, request.build, "an exported program")
    assert request.spec.path is not None
    file = read(request.spec.path)
    try:
        return _count(request, file, MEMORYLESS)
    except DataDependentError as error:
        return _count(request, file, RUN, f"run on the CPU with values: {error.message}")


def finish(program: CountedProgram, request: Request) -> Profile:
    """The profile of a program that was counted."""
    counted = program.counted
    names_asked = [name for name in dict.fromkeys(request.conventions) if name != DEFAULT]
    others = [name for name in names_asked if find_convention(name).tool]
    subject = Subject(counted.built.module, counted.inputs, counted.ledger, counted.built.kind == "image")
    reported, unavailable = reports(
        subject, [name for name in names_asked if name not in others], asked=set(names_asked)
    )
    unavailable += tuple(
        f"--convention {name} cannot be given: it is a rule for PyTorch's modules, and the file has none"
        for name in others
    )
    assembled = assemble(
        replace(counted, remarks=(*counted.remarks, *unavailable)),
        conventions=names_asked,
        reported=reported,
        level=request.level,
    )
    return structs.replace(assembled, file=program.file)


def _count(request: Request, file: ProgramFile, device: str, *remarks: str) -> CountedProgram:
    program = build_program(file, sizes_of(request.build), torch.device(device))
    run = RunSpec(inputs=program.inputs, values=device != MEMORYLESS)
    start = perf_counter()
    ledger = count(run(program.module))
    built = Built(
        module=program.module,
        spec=request.spec,
        kind=_kind(program),
        fused=program.has_convolutions and not program.has_normalisations,
    )
    all_remarks = (*_remarks(program.sizes), *remarks)
    counted = CountedModel(built, program.inputs, ledger, run, device, perf_counter() - start, all_remarks)
    return CountedProgram(counted, _file(file, program.sizes))


def _kind(program: BuiltProgram) -> str:
    """What it takes: an image, a text or anything else."""
    first = program.inputs[0] if program.inputs else None
    if first is None:
        return "tensors"
    kinds = {(4, True): "image", (2, False): "tokens"}
    return kinds.get((first.ndim, first.is_floating_point()), "tensors")


def _remarks(sizes: SizedProgram) -> list[str]:
    """Which open axes have the size of the export, because nobody gave another."""
    if not sizes.sized.example_axes:
        return []
    texts = [f"{name}[{axis}] {sizes.sized.shapes[name][axis]}" for name, axis in sizes.sized.example_axes]
    return [f"counted at the sizes that it was exported with, where no other was given: {', '.join(texts)}"]


def _file(file: ProgramFile, sizes: SizedProgram) -> ModelFile:
    """What the file says of itself."""
    return ModelFile(
        format="pt2",
        format_version=file.header.schema_version.major,
        opsets=dict(file.program.opset_version),
        producer=f"torch {file.header.torch_version}",
        metadata=dict(file.program.graph_module.metadata),
        open_axes=sizes.open_axes,
    )


GRAPH_FORMATS.register("pt2", profile)
