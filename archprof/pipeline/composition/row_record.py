"""A network of one row -> the record of the row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import torch

from archprof.count.conventions import thop_2_0
from archprof.count.counted_model import CountedModel
from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.count.unread_weights import unread
from archprof.count.weights import unregistered
from archprof.errors import ArchprofError
from archprof.parameternet.analysis import dynamic_layers
from archprof.parameternet.flow import Flow
from archprof.parameternet.twin import static_copy
from archprof.pipeline.assembly import assemble
from archprof.pipeline.composition.outside import chooses, obstacle_in, routers_read_more
from archprof.pipeline.composition.records import (
    TOTALS,
    Output,
    RowDetails,
    RowDynamics,
    RowGlance,
    RowModule,
    RowRecord,
)
from archprof.trace import tree
from archprof.trace.recorder import Recorder
from archprof.trace.run import run as run_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.builder.built import Built
    from archprof.count.ledger import Ledger
    from archprof.count.memory import Block, Memory
    from archprof.parameternet.ratios import Papers
    from archprof.pipeline.composition.records import Work
    from archprof.pipeline.request import Level
    from archprof.records.parameternet import DynamicLayer
    from archprof.records.profile import Module, Profile
    from archprof.trace.record import TensorInfo
    from archprof.trace.run import RunSpec

ROW = "model.0"
"""The path of the row in its network of one."""

Recorded = tuple[RowRecord, RowDetails | None]


def take(
    network: Built,
    run: RunSpec,
    inputs: Sequence[torch.Tensor],
    *,
    registered: tuple[int, int],
    owners: Mapping[int, str],
    parser_knows: bool,
    last: bool,
    details: bool,
) -> Recorded:
    """Run a network of one row and take down what it costs.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        registered: What building the row registered.
        owners: The class attributes on which modules hang.
        parser_knows: Whether Ultralytics' parser knows the block.
        last: Whether it is the last row, whose results no row reads.
        details: Whether a full profile is wanted.
    """
    passed = _run(network, run, inputs, owners, last=last)
    if isinstance(passed, str):
        return RowRecord(passed), None
    ledger, memory, outputs = passed
    trace = ledger.trace
    shared = {path: owners[id(module)] for path, module in tree.walk(network.module) if id(module) in owners}
    parts, aside = dynamic_layers(ledger, memory)
    profile = _profile(network, run, inputs, ledger, memory, details=details)
    if aside:
        return RowRecord("there are remarks about it"), None
    record = _record(profile, ledger, memory, inputs, outputs, shared)
    dynamics = _dynamics(network, run, inputs, ledger, parts, record) if parts else None
    if parts and dynamics is None:
        return RowRecord("it has dynamic layers that are analysed with the whole"), None
    unread_count, names = unread(trace)
    return (
        msgspec.structs.replace(
            record,
            parser_knows=parser_knows,
            registered=registered,
            chooses=chooses(Flow(trace)),
            dynamics=dynamics,
            first_parameter=_first_parameter(network.module),
            unread=unread_count,
            # A row of which nothing is read is all that the network has.
            unread_names=["" if name in ("", "model", ROW) else name.removeprefix(f"{ROW}.") for name in names],
        ),
        _details(profile, ledger, shared) if details else None,
    )


def glance(
    network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], *, owners: Mapping[int, str], last: bool
) -> RowGlance:
    """Run a network of one row and take down what it gives.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        owners: The class attributes on which modules hang.
        last: Whether it is the last row, whose results no row reads.
    """
    passed = _run(network, run, inputs, owners, last=last)
    if isinstance(passed, str):
        return RowGlance(passed)
    _, _, (structure, outputs, _) = passed
    return RowGlance(outputs=outputs, structure=structure)


_Outputs = tuple[Any, list[Output], "list[Block]"]
"""How what a row gives is nested, its tensors, and the memory that it made for them."""


def _run(
    network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], owners: Mapping[int, str], *, last: bool
) -> tuple[Ledger, Memory, _Outputs] | str:
    """The pass of a row, counted; or why the row cannot be counted by itself."""
    _Recorder.attempts, _Recorder.result = 0, None
    try:
        trace = run_trace(_Recorder, network.module, run.inputs)
    except ArchprofError as error:
        return f"it does not run without memory: {error.message}"
    result, _Recorder.result = _Recorder.result, None
    ledger, memory = count(trace), measure(trace)
    if _Recorder.attempts > 1:
        return "its pass was repeated in another way"
    if obstacle := obstacle_in(Flow(trace), trace) or _shared_obstacle(network.module, owners, ledger):
        return obstacle
    outputs = _outputs(result, trace.calls[0], memory, inputs, last=last)
    return (ledger, memory, outputs) if outputs else "what it gives has no form that is known"


def _profile(
    network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], ledger: Ledger, memory: Memory, *, details: bool
) -> Profile:
    """The profile of the network of one row, without its dynamic layers."""
    counted = CountedModel(network, tuple(inputs), ledger, run, "meta", 0.0, ())
    level: Level = "full" if details else "budgets"
    return assemble(counted, conventions=(), reported={}, level=level, analysis=(None, []), memory=memory)


class _Recorder(Recorder):  # type: ignore[no-untyped-call]
    """Also takes down what the network gives, and how often it had to be run."""

    attempts: ClassVar[int] = 0
    result: ClassVar[Any] = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        _Recorder.attempts += 1

    def call(self, module: Any, args: Any, kwargs: Any) -> Any:
        """As any recorder."""
        output = super().call(module, args, kwargs)
        if module is self.trace.model:
            numbers: dict[int, int] = {}
            tensors: list[tuple[tuple[int, ...], str, int]] = []
            structure = structure_of(output, numbers, tensors)
            _Recorder.result = structure, tensors
        return output


STRANGE = "?"
"""What stands in a structure for what has no form that is known."""


def structure_of(value: Any, numbers: dict[int, int], tensors: list[Any]) -> Any:
    """How tensors are nested, each as its number; strides, type and identity of each are appended to a list."""
    if isinstance(value, torch.Tensor):
        if id(value) not in numbers:
            numbers[id(value)] = len(numbers)
            is_plain = type(value) is torch.Tensor and value.layout is torch.strided
            dtype = str(value.dtype).removeprefix("torch.")
            tensors.append((tuple(value.stride()) if is_plain else (), dtype if is_plain else STRANGE, id(value)))
        return numbers[id(value)]
    if value is None:
        return None
    if type(value) in (list, tuple):
        return [type(value).__name__, *(structure_of(part, numbers, tensors) for part in value)]
    return STRANGE


def _outputs(result: Any, call: Any, memory: Memory, inputs: Sequence[torch.Tensor], *, last: bool) -> _Outputs | None:
    """What the row gives: its structure, its tensors, and the memory that it made for them; None where unknown."""
    structure, tensors = result
    infos = list({id(info): info for info in call.outputs}.values())
    known = STRANGE not in repr(structure) and len(infos) == len(tensors)
    if not known and not last:
        return None
    given = {id(memory.given[tensor.untyped_storage()._cdata]): index for index, tensor in enumerate(inputs)}
    blocks: dict[int, Block] = {}
    outputs = []
    for index, info in enumerate(infos if known else call.outputs):
        strides, dtype, identity = tensors[index] if known else ((), str(info.dtype).removeprefix("torch."), 0)
        output = _output(info, strides, dtype, memory, given, blocks)
        same = next((number for number, tensor in enumerate(inputs) if id(tensor) == identity), -1)
        if output is None or (dtype == STRANGE and not last):
            return None
        outputs.append(Output(output.tensor, same, output.input_memory, output.block))
    return structure if known and not last else None, outputs, list(blocks.values())


def _output(
    info: TensorInfo,
    strides: tuple[int, ...],
    dtype: str,
    memory: Memory,
    given: dict[int, int],
    blocks: dict[int, Any],
) -> Output | None:
    tensor = tuple(info.shape), strides, dtype
    made = memory.made.get(info.storage)
    if made is not None:
        if made.size < info.nbytes and strides:
            return None  # broadcast: what reads it would have to know its memory
        blocks.setdefault(id(made), made)
        return Output(tensor, block=list(blocks).index(id(made)))
    source = memory.given.get(info.storage)
    if source is None or id(source) not in given or info.nbytes > source.size:
        return None  # a parameter, or a constant
    return Output(tensor, input_memory=given[id(source)])


def _record(
    profile: Profile,
    ledger: Ledger,
    memory: Memory,
    inputs: Sequence[torch.Tensor],
    outputs: _Outputs,
    shared: Mapping[str, str],
) -> RowRecord:
    structure, tensors, blocks = outputs
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


def _dynamics(
    network: Built,
    run: RunSpec,
    inputs: Sequence[torch.Tensor],
    ledger: Ledger,
    parts: Sequence[tuple[DynamicLayer, Papers]],
    record: RowRecord,
) -> RowDynamics | None:
    """The row's dynamic layers and its static equivalent; None where these may go beyond the row."""
    if routers_read_more(ledger.trace):
        return None
    twin = static_copy(ledger.trace)
    if twin.remarks:
        return None
    _Recorder.result = None
    trace = run_trace(_Recorder, twin.module, run.inputs)
    result, _Recorder.result = _Recorder.result, None
    twin_ledger, memory = count(trace), measure(trace)
    outputs = _outputs(result, trace.calls[0], memory, inputs, last=record.structure is None)
    if outputs is None:
        return None
    profile = _profile(replace(network, module=twin.module), run, inputs, twin_ledger, memory, details=True)
    static = _record(profile, twin_ledger, memory, inputs, outputs, {})
    if [output.tensor for output in static.outputs] != [output.tensor for output in record.outputs]:
        return None
    return RowDynamics(
        layers=[layer for layer, _ in parts],
        papers=[[None if paper is None else paper.as_integer_ratio() for paper in papers] for _, papers in parts],
        static=static,
        static_work=_work(profile),
    )


def _work(profile: Profile) -> list[Work]:
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


def _first_parameter(model: Any) -> tuple[tuple[int, ...], str] | None:
    parameter = next(model.parameters(), None)
    return None if parameter is None else (tuple(parameter.shape), str(parameter.dtype).removeprefix("torch."))


def _shared_obstacle(model: Any, owners: Mapping[int, str], ledger: Ledger) -> str:
    """Why modules that hang on classes are not the plain activations that rows may share; empty where they are."""
    modules = tree.walk(model)
    called = {call.path for call in ledger.trace.calls}
    for path, module in modules:
        if unregistered(module):
            return "it has weights that torch does not register"
        if id(module) not in owners:
            continue
        if module._modules or module._parameters or module._buffers or path.rpartition(".")[0] not in called:
            return "it shares more than an activation"
    classes = {owner for _, module in modules for owner in type(module).__mro__}
    held = {id(value) for owner in classes for value in vars(owner).values() if isinstance(value, torch.Tensor)}
    return "it shares tensors" if any(id(tensor) in held for tensor in tree.registered(model)) else ""


def _details(profile: Profile, ledger: Ledger, shared: Mapping[str, str]) -> RowDetails:
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
        work=_work(profile),
        exact=[(_inner(path), kind, macs) for path, kind, macs in exact] if inside else None,
    )


def _module(module: Module, shared: Mapping[str, str]) -> RowModule:
    return RowModule(
        path=_inner(module.path),
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


def _inner(path: str) -> str:
    """A module's path in its row."""
    return path.removeprefix(ROW).removeprefix(".")
