"""A built model and its ledger -> the profile."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.count.by_module import calls_by_module, calls_by_path, rows_of_calls
from archprof.count.ledger import by_call, count
from archprof.count.memory import measure
from archprof.count.weights import elements, nbytes, own_weights, weights
from archprof.count.workload import works
from archprof.parameternet.analysis import analyse
from archprof.pipeline.circumstances import environment_of, plain, variant_of
from archprof.pipeline.operation_sums import operation_sums
from archprof.records.profile import (
    Backward,
    Coverage,
    Input,
    Layer,
    Module,
    Profile,
    Totals,
)
from archprof.trace import tree
from archprof.trace.sequences import sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from archprof.builder.built import Built, BuiltLayer
    from archprof.count.counted_model import CountedModel
    from archprof.count.formulas import Count
    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory, Traffic
    from archprof.pipeline.request import Level
    from archprof.records.parameternet import ParameterNet
    from archprof.records.profile import Operation, Reported
    from archprof.trace.record import TensorInfo, Trace


class _Figures(NamedTuple):
    """What one part of the model costs; the fields of :class:`Layer`, and of :class:`Module` with ``own_`` before."""

    macs: int
    elementwise_flops: int
    bytes_read: int
    bytes_written: int
    backward_macs: int


def assemble(
    counted: CountedModel,
    *,
    conventions: Sequence[str],
    reported: dict[str, Reported],
    level: Level,
    analysis: tuple[ParameterNet | None, list[str]] | None = None,
    memory: Memory | None = None,
) -> Profile:
    """Put together what is known of a model that was built, run and counted.

    Args:
        counted: The model.
        conventions: Those that were asked for.
        reported: What they say, and what others print.
        level: "budgets" leaves out what :meth:`Profile.brief` does.
        analysis: Its dynamic layers, and what looks dynamic and is not analysed, where that is known already.
        memory: What the operations of its trace move and hold, where that is known already.
    """
    built, ledger = counted.built, counted.ledger
    trace, inputs, details = ledger.trace, counted.inputs, level == "full"
    memory = memory or measure(trace)
    backward = count(trace.backward_pass()) if trace.backward else None
    step = measure(trace.whole_step()) if trace.backward else memory
    gradients = step.traffic[len(memory.traffic) :]
    own, inclusive = _by_call(ledger, memory, backward)
    parameternet, aside = analysis or analyse(ledger, memory, counted.run)
    own_parameters = {module: elements(own_weights(module)) for module in tree.modules(built.module)}
    parameters = _parameters(built.module, own_parameters)
    return Profile(
        variant=variant_of(built.spec, task=built.task, strides=built.strides, fused=built.fused, static=built.static),
        input=Input(
            shapes=[list(sizes(tensor)) for tensor in inputs],
            dtype=str(inputs[0].dtype).removeprefix("torch.") if inputs else "none",
            batch=inputs[0].size(0) if inputs and inputs[0].ndim else 1,
            kind=built.kind,
            names=[spec.name for spec in built.given],
            dtypes=[str(tensor.dtype).removeprefix("torch.") for tensor in inputs] if built.given else [],
            values=[spec.values_text for spec in built.given],
        ),
        environment=environment_of(counted.device, [*counted.remarks, *aside]),
        totals=_totals(built.module, ledger, memory),
        backward=_backward(backward, gradients, step.peak_bytes) if backward else None,
        coverage=_coverage(ledger, *([backward] if backward else [])),
        layers=_layers(built, trace, own, parameters),
        modules=_modules(built.module, trace, own, inclusive, parameters, own_parameters) if details else [],
        operations=[
            *_operations(ledger, memory.traffic, "forward"),
            *(_operations(backward, gradients, "backward") if backward else []),
        ]
        if details
        else [],
        conventions=list(conventions),
        reported=reported,
        work=works(ledger, memory.traffic) if details else [],
        parameternet=parameternet,
    )


def _by_call(ledger: Ledger, memory: Memory, backward: Ledger | None) -> tuple[list[_Figures], list[_Figures]]:
    """What each call of a module cost: what it ran itself, and that with everything that it called."""

    def joined(costs: list[Count], traffics: list[list[int]], gradients: list[Count] | None) -> list[_Figures]:
        return [
            _Figures(
                cost.macs, cost.elementwise_flops, bytes_read, bytes_written, gradients[index].macs if gradients else 0
            )
            for index, (cost, (bytes_read, bytes_written)) in enumerate(zip(costs, traffics, strict=True))
        ]

    own, inclusive = by_call(ledger.trace, memory.traffic)
    return (
        joined(ledger.own, own, backward.own if backward else None),
        joined(ledger.inclusive, inclusive, backward.inclusive if backward else None),
    )


def _sum(parts: Iterable[_Figures], *, backward: bool) -> dict[str, Any]:
    """Several costs as one, under the names of their fields; that of a backward pass is None where none ran."""
    sums = [sum(values) for values in zip(*parts, strict=True)] or [0] * len(_Figures._fields)
    costs: dict[str, Any] = dict(zip(_Figures._fields, sums, strict=True))
    return costs if backward else {**costs, "backward_macs": None}


def _totals(model: nn.Module, ledger: Ledger, memory: Memory) -> Totals:
    parameters, modules, buffers = weights(model), tree.modules(model), tree.buffers(model)
    return Totals(
        modules=len(modules),
        layers=sum(not module._modules for module in modules),
        parameters=elements(parameters),
        trainable_parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        macs=ledger.macs,
        flops=2 * ledger.macs,
        elementwise_flops=ledger.elementwise_flops,
        weight_bytes=nbytes(parameters),
        activation_elements=memory.activation_elements,
        activation_bytes=memory.activation_bytes,
        peak_activation_bytes=memory.peak_bytes,
        bytes_read=memory.bytes_read,
        bytes_written=memory.bytes_written,
        buffers=elements(buffers),
        buffer_bytes=nbytes(buffers),
    )


def _backward(ledger: Ledger, traffic: Sequence[Traffic], peak: int) -> Backward:
    return Backward(
        macs=ledger.macs,
        flops=2 * ledger.macs,
        elementwise_flops=ledger.elementwise_flops,
        peak_activation_bytes=peak,
        bytes_read=sum(entry.read for entry in traffic),
        bytes_written=sum(entry.written for entry in traffic),
    )


def _coverage(*ledgers: Ledger) -> Coverage:
    states: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for ledger in ledgers:
        states.update(ledger.states())
        unknown.update(ledger.unknown)
    return Coverage(operations=states.total(), counted=states["counted"], free=states["free"], unknown=dict(unknown))


def _layers(built: Built, trace: Trace, own: list[_Figures], parameters: dict[nn.Module, int]) -> list[Layer]:
    """One entry a row: what ran in its module or below it."""
    parts: dict[str, list[_Figures]] = {}
    shapes: dict[str, list[list[int]]] = {}
    rows = {layer.path for layer in built.layers}
    for call, row, figures in zip(trace.calls, rows_of_calls(trace.calls, rows), own, strict=True):
        if row:
            parts.setdefault(row, []).append(figures)
        if call.path in rows:
            shapes[call.path] = _shapes(call.outputs)
    backward = bool(trace.backward)
    return [
        _layer(
            layer,
            built.module.get_submodule(layer.path),
            _sum(parts.get(layer.path, []), backward=backward),
            shapes,
            parameters,
        )
        for layer in built.layers
    ]


def _layer(
    layer: BuiltLayer,
    module: nn.Module,
    costs: dict[str, Any],
    shapes: dict[str, list[list[int]]],
    parameters: dict[nn.Module, int],
) -> Layer:
    return Layer(
        index=layer.index,
        from_=list(layer.sources),
        repeats=layer.repeats,
        module=layer.module,
        path=layer.path,
        arguments=[plain(argument) for argument in layer.arguments],
        output_shapes=shapes.get(layer.path, []),
        parameters=parameters[module],
        modules=len(tree.modules(module)),
        line=layer.line,
        yaml_row=plain(layer.written),
        light_head=layer.light_head,
        **costs,
    )


def _modules(
    model: nn.Module,
    trace: Trace,
    own: list[_Figures],
    inclusive: list[_Figures],
    parameters: dict[nn.Module, int],
    own_parameters: dict[nn.Module, int],
) -> list[Module]:
    """One entry a module, in the order of the tree; one that ran several times has the sum of its calls."""
    # Without what is inside of torch.jit's modules: nothing tells what ran in each.
    paths = tree.walk(model)
    calls_of = calls_by_path(trace.calls)
    inclusive_of = calls_by_module(trace.calls, calls_of, [path for path, _ in paths])
    backward, entries = bool(trace.backward), []
    for path, module in paths:
        calls = calls_of.get(path, [])
        entries.append(
            Module(
                path=path,
                type=type(module).__name__,
                depth=path.count(".") + 1 if path else 0,
                calls=len(calls),
                parameters=parameters[module],
                own_parameters=own_parameters[module],
                output_shapes=_shapes(trace.calls[calls[-1]].outputs) if calls else [],
                **_sum((inclusive[index] for index in inclusive_of.get(path, ())), backward=backward),
                **{f"own_{name}": cost for name, cost in _sum(map(own.__getitem__, calls), backward=backward).items()},
            )
        )
    return entries


def _operations(ledger: Ledger, traffic: Sequence[Traffic], phase: str) -> list[Operation]:
    calls = (
        (entry.operation.name, entry.state, 1, (*entry.count, *moved))
        for entry, moved in zip(ledger.entries, traffic, strict=True)
    )
    return operation_sums(calls, phase)


def _parameters(model: nn.Module, own_parameters: dict[nn.Module, int]) -> dict[nn.Module, int]:
    """The parameters of each module with all that is in it, each counted once."""
    modules = list(own_parameters)
    held = [id(parameter) for module in modules for parameter in module._parameters.values() if parameter is not None]
    homes = Counter([model, *(child for module in modules for child in module._modules.values() if child is not None)])
    shared = (module for module, times in homes.items() if times > 1)
    if len(held) > len(set(held)) or any(next(module.parameters(), None) is not None for module in shared):
        # What is in two parts of a module counts once in it.
        return {module: elements(weights(module)) for module in modules}
    counts: dict[nn.Module, int] = {}
    for module in reversed(modules):  # children before their parents
        children = sum([counts.get(child, 0) for child in module._modules.values() if child is not None])
        counts[module] = own_parameters[module] + children
    return counts


def _shapes(tensors: Iterable[TensorInfo]) -> list[list[int]]:
    return [list(tensor.shape) for tensor in tensors]
