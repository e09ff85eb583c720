"""Operators that run graphs: If, Loop, Scan, SequenceMap."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from archprof.trace.onnx_graph.record import Tensor, dtype_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.follow import Walk
    from archprof.trace.onnx_graph.graph import Graph
    from archprof.trace.onnx_graph.record import Operation

    Scope = dict[str, Tensor]

_FOREVER = 2**62
"""Writers of loops that end by a condition alone give such a number of trips."""


def _run(
    walk: Walk, graph: Graph, operation: Operation, given: Sequence[Tensor], scope: Scope
) -> tuple[list[Operation], list[Tensor]]:
    """What one run of a graph does, and what it gives.

    Args:
        walk: The walk.
        graph: The graph.
        operation: The operation that runs it.
        given: The values of its inputs, in order.
        scope: What is around it.
    """
    inner = dict(scope)
    for info, tensor in zip(graph.inputs, given, strict=False):
        inner[info.name] = tensor
    inner.update(graph.constants)
    operations = walk.graph(graph, inner)
    return operations, [inner[name] for name in graph.outputs]


def _if(walk: Walk, operation: Operation, scope: Scope) -> list[Operation]:
    condition = operation.operand(0)
    graphs = operation.node.graphs
    if condition.value is not None:
        branch = "then_branch" if bool(condition.value.reshape(-1)[0]) else "else_branch"
        operations, results = _run(walk, graphs[branch], operation, (), scope)
        for tensor, result in zip(operation.outputs, results, strict=False):
            if tensor is not None:
                _become(tensor, result)
        return operations
    runs = [_run(walk, graphs[name], operation, (), scope) for name in ("then_branch", "else_branch")]
    # A branch that cannot run at this size is not the one that runs.
    able = [run for run in runs if not any(inner.failure for inner in run[0])] or runs
    operation.branches = tuple(operations for operations, _ in able)
    for index, tensor in enumerate(operation.outputs):
        if tensor is None:
            continue
        results = [results[index] for _, results in able]
        tensor.dtype, tensor.sequence = results[0].dtype, results[0].sequence
        if len({result.shape for result in results}) == 1:
            tensor.shape = results[0].shape
    return []


def _become(tensor: Tensor, result: Tensor) -> None:
    """Enter what a graph gave under the name that it has outside."""
    tensor.shape, tensor.dtype, tensor.value = result.shape, result.dtype, result.value
    tensor.sources, tensor.partial = result.sources, result.partial
    tensor.sequence, tensor.elements = result.sequence, result.elements
    tensor.view = result


def _same(left: Tensor, right: Tensor) -> bool:
    """Whether a loop can go on with one in the place of the other."""
    return not left.sequence and left.shape is not None and (left.shape, left.dtype) == (right.shape, right.dtype)


def _loop(walk: Walk, operation: Operation, scope: Scope) -> list[Operation]:
    body = operation.node.graphs["body"]
    limit, condition, *carried = (*operation.inputs, None, None)[: max(2, len(operation.inputs))]
    state = [tensor for tensor in carried if tensor is not None]
    bound = None if limit is None or limit.value is None else max(0, int(limit.value.reshape(-1)[0]))
    forever = limit is None or (bound is not None and bound >= _FOREVER)
    if condition is not None and condition.value is not None and not condition.value.reshape(-1)[0]:
        bound, forever = 0, False
    ran = walk.replay.trips(operation.node.key)
    if bound == 0:
        _give(operation, state, [], 0, body)
        return []
    flag = _flag(None)
    with walk.replay.paused():
        operations, results = _run(
            walk, body, operation, [_counter(None), flag, *map(Tensor.without_value, state)], scope
        )
        settled = all(map(_same, state, results[1:])) and not any(map(_open, operations))
        goes_on = _stays_true(flag, results[0])
        trips = bound if goes_on and not forever else ran
        if settled and any(inner.branches for inner in operations):
            # Perhaps the trip decides which branch runs.
            first, _ = _run(walk, body, operation, [_counter(0), _flag(True), *state], scope)
            settled = any(inner.branches for inner in first)
    if settled and trips is not None:
        for inner in operations:
            _repeat(inner, trips)
        _give(operation, results[1 : 1 + len(state)], results[1 + len(state) :], trips, body)
        return operations
    if ran is None and (goes_on if forever else bound is None):
        operation.open = "the number of its trips depends on values"
        _give(operation, [], [], 0, body)
        return []
    return _trip_by_trip(walk, operation, scope, state, None if forever else bound, ran)


def _trip_by_trip(
    walk: Walk, operation: Operation, scope: Scope, state: list[Tensor], bound: int | None, ran: int | None
) -> list[Operation]:
    """Run a loop whose trips differ, as long as it is known whether there is another."""
    body = operation.node.graphs["body"]
    done: list[Operation] = []
    scans: list[list[Tensor]] = []
    condition = _flag(True)
    trip = 0
    while (ran is None and (bound is None or trip < bound)) or (ran is not None and trip < ran):
        operations, results = _run(walk, body, operation, [_counter(trip), condition, *state], scope)
        done += operations
        scans.append(results[1 + len(state) :])
        state, condition = results[1 : 1 + len(state)], results[0]
        trip += 1
        if ran is not None:
            continue
        if condition.value is None:
            operation.open = "the number of its trips depends on values"
            _give(operation, [], [], 0, body)
            return []
        if condition.value is not None and not condition.value.reshape(-1)[0]:
            break
    elements = [list(column) for column in zip(*scans, strict=True)]
    made = [
        Tensor(
            column[0].name, column[0].shape if len({tensor.shape for tensor in column}) == 1 else None, column[0].dtype
        )
        for column in elements
    ]
    _give(operation, state, made, trip, body)
    return done


def _stays_true(flag: Tensor, condition: Tensor) -> bool:
    """Whether a loop's condition is the one that it was given, or is true whatever happens."""
    return condition.root() is flag or (condition.value is not None and bool(condition.value.reshape(-1)[0]))


def _open(operation: Operation) -> bool:
    return bool(operation.open or operation.failure) or any(not tensor.known for tensor in operation.made)


def _counter(trip: int | None) -> Tensor:
    return Tensor("trip", (), "int64", None if trip is None else np.array(trip, np.int64))


def _flag(value: bool | None) -> Tensor:
    return Tensor("condition", (), "bool", None if value is None else np.array(value))


def _repeat(operation: Operation, trips: int) -> None:
    operation.repeats *= trips
    for branch in operation.branches:
        for inner in branch:
            _repeat(inner, trips)


def _give(operation: Operation, state: Sequence[Tensor], scans: Sequence[Tensor], trips: int, body: Graph) -> None:
    """Enter what a loop gives: its state after the last trip, and what each trip gave, stacked."""
    infos = list(body.proto.output)[1:]
    for index, tensor in enumerate(operation.outputs):
        if tensor is None:
            continue
        if index < len(state):
            _become(tensor, state[index])
        elif index - len(state) < len(scans):
            part = scans[index - len(state)]
            tensor.dtype = part.dtype
            tensor.shape = None if part.shape is None else (trips, *part.shape)
        elif not operation.open and index < len(infos):
            dense = infos[index].type.tensor_type
            tensor.dtype = dtype_name(dense.elem_type)
            dims = [dim.dim_value for dim in dense.shape.dim]
            tensor.shape = (0, *dims)


def _scan(walk: Walk, operation: Operation, scope: Scope) -> list[Operation]:
    body, attributes = operation.node.graphs["body"], operation.attributes
    count = attributes["num_scan_inputs"]
    batched = operation.version < 9  # with the lengths of the sequences first, and an axis of the batch
    inputs = operation.inputs[1:] if batched else operation.inputs
    state, scanned = list(inputs[: len(inputs) - count]), list(inputs[len(inputs) - count :])
    axes = attributes.get("scan_input_axes") or [0] * count
    slices, trips, batch = [], None, 1
    for tensor, axis in zip(scanned, axes, strict=True):
        if tensor is None or tensor.shape is None:
            operation.open = "the size of what it scans is not known"
            return []
        shape = tensor.shape
        if batched:
            batch, shape = shape[0], shape[1:]
        axis %= len(shape)
        trips = shape[axis]
        slices.append(Tensor(tensor.name, (*shape[:axis], *shape[axis + 1 :]), tensor.dtype))
    given = [tensor.without_value() for tensor in state if tensor is not None]
    if batched:
        for tensor in given:
            tensor.shape = tensor.shape[1:] if tensor.shape else None
    operations, results = _run(walk, body, operation, [*given, *slices], scope)
    trips = trips or 0
    for inner in operations:
        _repeat(inner, trips * batch)
    directions = attributes.get("scan_output_axes") or []
    lead: tuple[int, ...] = (batch,) if batched else ()
    for index, tensor in enumerate(operation.outputs):
        if tensor is None:
            continue
        part = results[index]
        tensor.dtype = part.dtype
        if part.shape is None:
            continue
        if index < len(given):
            tensor.shape = (*lead, *part.shape)
            continue
        axis = directions[index - len(given)] if index - len(given) < len(directions) else 0
        axis %= len(part.shape) + 1
        tensor.shape = (*lead, *part.shape[:axis], trips, *part.shape[axis:])
    return operations


def _sequence_map(walk: Walk, operation: Operation, scope: Scope) -> list[Operation]:
    body = operation.node.graphs["body"]
    first = operation.operand(0)
    if first.elements is None:
        operation.open = "the length of its sequence is not known"
        return []
    done: list[Operation] = []
    columns: list[list[Tensor]] = [[] for _ in operation.outputs]
    for index in range(len(first.elements)):
        given = [
            tensor.elements[index] if tensor.sequence and tensor.elements is not None else tensor
            for tensor in operation.read
        ]
        operations, results = _run(walk, body, operation, given, scope)
        done += operations
        for column, result in zip(columns, results, strict=False):
            column.append(result)
    for tensor, column in zip(operation.outputs, columns, strict=True):
        if tensor is not None:
            tensor.sequence, tensor.elements = True, column
            tensor.dtype = column[0].dtype if column else "undefined"
    return done


Rule = Callable[["Walk", "Operation", "Scope"], "list[Operation]"]

RULES: dict[str, Rule] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _sequence_map,
}
"""Operator -> what follows the graphs within it, enters what it gives, and returns what was run."""
