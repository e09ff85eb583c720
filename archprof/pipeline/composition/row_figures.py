"""The pass of a row -> the parts of its record that add up over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.conventions import thop_2_0
from archprof.count.counted_model import CountedModel
from archprof.pipeline.assembly import assemble
from archprof.pipeline.composition.records import TOTALS, RowDetails, RowModule, RowRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from archprof.builder.built import Built
    from archprof.count.ledger import Ledger
    from archprof.count.memory import Block, Memory
    from archprof.pipeline.composition.records import Work
    from archprof.pipeline.composition.row_pass import CountedRow
    from archprof.pipeline.request import Level
    from archprof.records.profile import Module, Profile
    from archprof.trace.run import RunSpec

ROW = "model.0"
"""The path of the row in its network of one."""


def profile_of(
    network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], row: CountedRow, *, details: bool
) -> Profile:
    """The profile of the network of one row, without its dynamic layers."""
    ledger, memory, _ = row
    counted = CountedModel(network, tuple(inputs), ledger, run, "meta", 0.0, ())
    level: Level = "full" if details else "budgets"
    return assemble(counted, conventions=(), reported={}, level=level, analysis=(None, []), memory=memory)


def record_of(
    profile: Profile, row: CountedRow, inputs: Sequence[torch.Tensor], shared: Mapping[str, str]
) -> RowRecord:
    """The sums of a row, its memory, and what it gives.

    Args:
        profile: The profile of its network.
        row: Its pass.
        inputs: The tensors that go in, each once.
        shared: The class attributes that modules hang on, by their paths.
    """
    ledger, memory, (structure, tensors, blocks) = row
    totals, number = profile.totals, len(ledger.trace.operations)
    sums = [getattr(totals, name) for name in TOTALS]
    sums[0] -= 2 + len(shared)
    sums[1] -= len(shared)
    last_uses = [memory.given[tensor.untyped_storage()._cdata].last for tensor in inputs]
    return RowRecord(
        outputs=tensors,
        structure=structure,
        blocks=[(block.first, block.last, block.size) for block in blocks],
        last_uses=last_uses,
        segments=_segments(memory, blocks, last_uses, number),
        operations=number,
        calls=len(ledger.trace.calls) - 1,
        modules=totals.modules - 2,
        totals=sums,
        coverage=(profile.coverage.counted, profile.coverage.free),
        unknown=profile.coverage.unknown,
        shared=list(dict.fromkeys(shared.values())),
    )


def details_of(profile: Profile, ledger: Ledger, shared: Mapping[str, str]) -> RowDetails:
    """What only a full profile has of a row."""
    exact = [(item.path, item.operation, item.macs) for item in thop_2_0.exact(ledger)]
    inside = all(path.startswith(ROW) and path not in shared for path, _, _ in exact)
    return RowDetails(
        modules=[_module(module, shared) for module in profile.modules[2:]],
        operations=[
            (
                entry.name,
                entry.state,
                entry.calls,
                (entry.macs, entry.elementwise_flops, entry.bytes_read, entry.bytes_written),
            )
            for entry in profile.operations
        ],
        work=work_of(profile),
        exact=[(path_in_row(path), kind, macs) for path, kind, macs in exact] if inside else None,
    )


def work_of(profile: Profile) -> list[Work]:
    """Its operations by kinds of kernels."""
    return [(entry.kind, tuple(entry.sizes), entry.bytes, entry.calls) for entry in profile.work]


def _segments(memory: Memory, outputs: Sequence[Block], last_uses: Sequence[int], number: int) -> list[tuple[int, int]]:
    """Where the memory of inputs and results may change, and the most that all other memory takes from there on."""
    inner = {id(block): block for block in memory.made.values()}
    for block in outputs:
        inner.pop(id(block), None)
    changes = [0] * (number + 1)
    for block in inner.values():
        changes[block.first] += block.size
        changes[block.last + 1] -= block.size
    starts = {0, *(last + 1 for last in last_uses if last >= 0)}
    starts.update(start for block in outputs for start in (block.first, block.last + 1))
    segments: list[tuple[int, int]] = []
    held = 0
    for index in range(number):
        held += changes[index]
        if index in starts:
            segments.append((index, held))
        elif held > segments[-1][1]:
            segments[-1] = (segments[-1][0], held)
    return segments


def _module(module: Module, shared: Mapping[str, str]) -> RowModule:
    return RowModule(
        path=path_in_row(module.path),
        type=module.type,
        calls=module.calls,
        parameters=module.parameters,
        own_parameters=module.own_parameters,
        figures=(module.macs, module.elementwise_flops, module.bytes_read, module.bytes_written),
        own_figures=(
            module.own_macs,
            module.own_elementwise_flops,
            module.own_bytes_read,
            module.own_bytes_written,
        ),
        output_shapes=module.output_shapes,
        shared=shared.get(module.path, ""),
    )


def path_in_row(path: str) -> str:
    """A module's path in its row."""
    return path.removeprefix(ROW).removeprefix(".")
