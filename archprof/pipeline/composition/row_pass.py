"""A network of one row -> its pass, counted, and what it gives to the rows after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch

from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.errors import ArchprofError
from archprof.pipeline.composition.records import Output
from archprof.trace.recorder import Recorder
from archprof.trace.run import run as run_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.built import Built
    from archprof.count.ledger import Ledger
    from archprof.count.memory import Block, Memory
    from archprof.trace.record import ModuleCall, TensorInfo, Trace
    from archprof.trace.run import RunSpec


class Results(NamedTuple):
    """What a row gives.

    Attributes:
        structure: How its tensors are nested; None where no row reads them.
        tensors: The tensors.
        blocks: The memory that the row made for them.
    """

    structure: Any
    tensors: list[Output]
    blocks: list[Block]


class CountedRow(NamedTuple):
    """The pass of a row by itself, counted."""

    ledger: Ledger
    memory: Memory
    results: Results


def count_row(network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], *, last: bool) -> CountedRow | str:
    """Run a network of one row without memory, and count what ran.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        last: Whether it is the last row, whose results no row reads.

    Returns:
        The pass; or why the row cannot be counted by itself.
    """
    passed = _run(network, run)
    if isinstance(passed, str):
        return passed
    trace, structure, tensors = passed
    memory = measure(trace)
    results = _results(structure, tensors, trace.calls[0], memory, inputs, last=last)
    return CountedRow(count(trace), memory, results) if results else _STRANGE_RESULTS


def run_row(
    network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], *, last: bool
) -> tuple[Any, list[Output]] | str:
    """Run a network of one row without memory.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        last: Whether it is the last row, whose results no row reads.

    Returns:
        How the tensors that it gives are nested, and these, without their memory; or why they cannot be told.
    """
    passed = _run(network, run)
    if isinstance(passed, str):
        return passed
    trace, structure, tensors = passed
    infos = _distinct(trace.calls[0])
    if last:
        return None, []
    if not _is_known(structure, tensors, infos):
        return _STRANGE_RESULTS
    return (
        structure,
        [
            Output((tuple(info.shape), strides, dtype), _same_input(identity, inputs))
            for info, (strides, dtype, identity) in zip(infos, tensors, strict=True)
        ],
    )


_Tensor = tuple[tuple[int, ...], str, int]
"""Strides, type and identity of a tensor."""

STRANGE = "?"
"""What stands in a structure for what has no form that is known."""

_STRANGE_RESULTS = "what it gives has no form that is known"


def _run(network: Built, run: RunSpec) -> tuple[Trace, Any, list[_Tensor]] | str:
    """The pass of a network of one row, how what it gives is nested, and its tensors; or why it cannot be told."""
    _Recorder.attempts, _Recorder.result = 0, None
    try:
        trace = run_trace(_Recorder, network.module, run.inputs)
    except ArchprofError as error:
        return f"it does not run without memory: {error.message}"
    result, _Recorder.result = _Recorder.result, None
    return "its pass was repeated in another way" if _Recorder.attempts > 1 else (trace, *result)


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


def _distinct(call: ModuleCall) -> list[TensorInfo]:
    """The tensors that a call gave, each once."""
    return list({id(info): info for info in call.outputs}.values())


def _is_known(structure: Any, tensors: Sequence[_Tensor], infos: Sequence[TensorInfo]) -> bool:
    """Whether what a row gives has a form that a record can hold."""
    types = {dtype for _, dtype, _ in tensors}
    return STRANGE not in repr(structure) and STRANGE not in types and len(infos) == len(tensors)


def _same_input(identity: int, inputs: Sequence[torch.Tensor]) -> int:
    """The input that a tensor itself is; -1 where it is none."""
    return next((index for index, tensor in enumerate(inputs) if id(tensor) == identity), -1)


def _results(
    structure: Any,
    tensors: Sequence[_Tensor],
    call: ModuleCall,
    memory: Memory,
    inputs: Sequence[torch.Tensor],
    *,
    last: bool,
) -> Results | None:
    """What the row gives: its structure, its tensors, and the memory that it made for them; None where unknown."""
    infos = _distinct(call)
    known = _is_known(structure, tensors, infos)
    if not known and not last:
        return None
    given = {id(memory.given[tensor.untyped_storage()._cdata]): index for index, tensor in enumerate(inputs)}
    blocks: dict[int, Block] = {}
    outputs = []
    for index, info in enumerate(infos if known else call.outputs):
        strides, dtype, identity = tensors[index] if known else ((), str(info.dtype).removeprefix("torch."), 0)
        output = _output(info, strides, dtype, memory, given, blocks)
        if output is None:
            return None
        outputs.append(Output(output.tensor, _same_input(identity, inputs), output.input_memory, output.block))
    return Results(structure if known and not last else None, outputs, list(blocks.values()))


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
