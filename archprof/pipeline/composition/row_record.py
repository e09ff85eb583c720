"""A network of one row -> the record of the row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from archprof.count.conventions import figures_of
from archprof.count.conventions.subject import Subject
from archprof.count.unread_weights import unread
from archprof.count.weights import unregistered
from archprof.parameternet.analysis import dynamic_layers
from archprof.parameternet.flow import Flow
from archprof.parameternet.twin import static_copy
from archprof.pipeline.composition import row_pass
from archprof.pipeline.composition.outside import chooses, obstacle_in, routers_read_more
from archprof.pipeline.composition.records import RowDetails, RowDynamics, RowGlance, RowItems, RowRecord
from archprof.pipeline.composition.row_figures import ROW, details_of, path_in_row, profile_of, record_of, work_of
from archprof.trace import tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.builder.built import Built
    from archprof.parameternet.ratios import Papers
    from archprof.records.conventions import Convention
    from archprof.records.parameternet import DynamicLayer
    from archprof.trace.record import Trace
    from archprof.trace.run import RunSpec

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
    counted = row_pass.count_row(network, run, inputs, last=last)
    if isinstance(counted, str):
        return RowRecord(counted), None
    ledger, memory, _ = counted
    trace = ledger.trace
    flow = Flow(trace)
    if obstacle := obstacle_in(flow, trace) or _shared_obstacle(network.module, owners, trace):
        return RowRecord(obstacle), None
    shared = _shared_modules(network.module, owners)
    layers, remarks = dynamic_layers(ledger, memory, flow)
    if remarks:
        return RowRecord("there are remarks about it"), None
    profile = profile_of(network, run, inputs, counted, details=details)
    record = record_of(profile, counted, inputs, shared)
    dynamics = _dynamics(network, run, inputs, flow, trace, layers, record) if layers else None
    if layers and dynamics is None:
        return RowRecord("it has dynamic layers that are analysed with the whole"), None
    unread_count, names = unread(trace)
    return (
        msgspec.structs.replace(
            record,
            parser_knows=parser_knows,
            registered=registered,
            chooses=chooses(flow),
            dynamics=dynamics,
            first_parameter=_first_parameter(network.module),
            unread=unread_count,
            # A row of which nothing is read is all that the network has.
            unread_names=["" if name in ("", "model", ROW) else name.removeprefix(f"{ROW}.") for name in names],
        ),
        details_of(profile, ledger, shared) if details else None,
    )


def glance(network: Built, run: RunSpec, inputs: Sequence[torch.Tensor], *, last: bool) -> RowGlance:
    """Run a network of one row and take down what it gives.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        last: Whether it is the last row, whose results no row reads.
    """
    passed = row_pass.run_row(network, run, inputs, last=last)
    if isinstance(passed, str):
        return RowGlance(passed)
    structure, outputs = passed
    return RowGlance(outputs=outputs, structure=structure)


def items(
    network: Built,
    run: RunSpec,
    inputs: Sequence[torch.Tensor],
    convention: Convention,
    *,
    owners: Mapping[int, str],
    last: bool,
) -> RowItems:
    """Run a network of one row and take down what a convention gives its operations.

    Args:
        network: The network.
        run: How it is run.
        inputs: The tensors that go in, each once.
        convention: One that gives each operation something by itself.
        owners: The class attributes on which modules hang.
        last: Whether it is the last row, whose results no row reads.
    """
    counted = row_pass.count_row(network, run, inputs, last=last)
    if isinstance(counted, str):
        return RowItems(counted)
    shared = _shared_modules(network.module, owners)
    given = figures_of(convention, Subject(network.module, run.inputs, counted.ledger)).items
    if not all(item.path.startswith(ROW) for item in given):
        return RowItems("something runs outside of it")
    return RowItems(
        items=[
            (path_in_row(item.path), item.operation, item.amount, item.macs, shared.get(item.path, ""))
            for item in given
        ]
    )


def _dynamics(
    network: Built,
    run: RunSpec,
    inputs: Sequence[torch.Tensor],
    flow: Flow,
    trace: Trace,
    layers: Sequence[tuple[DynamicLayer, Papers]],
    record: RowRecord,
) -> RowDynamics | None:
    """The row's dynamic layers and its static equivalent; None where these may go beyond the row."""
    if routers_read_more(flow, trace):
        return None
    twin = static_copy(trace)
    if twin.remarks:
        return None
    static_network = replace(network, module=twin.module)
    counted = row_pass.count_row(static_network, run, inputs, last=record.structure is None)
    if isinstance(counted, str):
        return None
    profile = profile_of(static_network, run, inputs, counted, details=True)
    static = record_of(profile, counted, inputs, {})
    if [output.tensor for output in static.outputs] != [output.tensor for output in record.outputs]:
        return None
    return RowDynamics(
        layers=[layer for layer, _ in layers],
        papers=[[None if paper is None else paper.as_integer_ratio() for paper in papers] for _, papers in layers],
        static=static,
        static_work=work_of(profile),
    )


def _shared_modules(model: Any, owners: Mapping[int, str]) -> dict[str, str]:
    """The class attributes that modules hang on, by their paths."""
    return {path: owners[id(module)] for path, module in tree.walk(model) if id(module) in owners}


def _first_parameter(model: Any) -> tuple[tuple[int, ...], str] | None:
    parameter = next(model.parameters(), None)
    return None if parameter is None else (tuple(parameter.shape), str(parameter.dtype).removeprefix("torch."))


def _shared_obstacle(model: Any, owners: Mapping[int, str], trace: Trace) -> str:
    """Why modules that hang on classes are not the plain activations that rows may share; empty where they are."""
    modules = tree.walk(model)
    called = {call.path for call in trace.calls}
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
