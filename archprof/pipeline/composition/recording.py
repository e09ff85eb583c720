"""Counts a row by itself: builds its module, runs it on what goes in, and takes down what a profile needs of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import nn

from archprof.builder import dialect, limits
from archprof.builder.built import Built, BuiltLayer
from archprof.builder.fuse import fuse
from archprof.builder.graph import activation_of, build_row, call_of
from archprof.builder.head_kinds import OTHER, head_strides, kind_of, stride_of_32
from archprof.builder.meta import on_meta
from archprof.builder.mixed_convolution import replace_convolutions
from archprof.builder.network import forget_strides
from archprof.builder.registry import registry
from archprof.builder.templates import key_of
from archprof.builder.unread_keys import AskedFor
from archprof.count.conventions.ultralytics import least_cells, sampling_is_known
from archprof.pipeline.composition import calls, plugin_state, row_reading, row_record
from archprof.pipeline.composition.liveness import Value, flat
from archprof.pipeline.composition.passes import FLOAT, NotComposableError, Role
from archprof.pipeline.composition.records import Head, RowCall, RowDetails, RowGlance, RowItems, RowReading, RowRecord
from archprof.pipeline.composition.row_figures import ROW
from archprof.sources.spec import STOCK
from archprof.trace import tree
from archprof.trace.run import RunSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ultralytics.nn.tasks import BaseModel

    from archprof.builder.registry import Block, RowContext
    from archprof.pipeline.composition.liveness import Structure
    from archprof.pipeline.composition.shelf import Shelf
    from archprof.pipeline.composition.variant import Plan, PlannedRow, Surroundings
    from archprof.records.conventions import Convention
    from archprof.sources.spec import VariantSpec


class LiveCalls:
    """The calls that rules make, now that all blocks are registered; others than Ultralytics' are kept."""

    def __init__(self, shelf: Shelf, surroundings: Surroundings) -> None:
        self._shelf = shelf
        self._surroundings = surroundings

    def of(self, spec: VariantSpec, context: RowContext) -> RowCall | None:
        """By the rule of the row's block."""
        block = registry.find(context.row.module, spec.family)
        if block is None:
            return None
        values = AskedFor(spec.values)
        call = call_of(spec, block, replace(context, values=values))
        row_call = calls.row_call(block, call, tuple(sorted(values.keys_asked)))
        if spec.family != STOCK or self._surroundings.plugins:
            key = calls.call_key(self._surroundings, spec, context)
            if self._shelf.find(key, RowCall) is None:
                self._shelf.put(key, row_call)
        return row_call


@dataclass(frozen=True, slots=True)
class BuiltRow:
    """A row's module, what building it registered, and the class attributes on which modules of it hang.

    ``folds`` says whether Ultralytics' fusing has something to fold in it.
    """

    module: nn.Module
    registered: tuple[int, int]
    owners: Mapping[int, str]
    folds: bool


class RowRecorder:
    """Counts the rows of one variant by themselves. Each is built once, and left by every pass as it was."""

    def __init__(self) -> None:
        self._built: dict[tuple[Any, ...], BuiltRow] = {}

    def head(self, plan: Plan, row: PlannedRow) -> Head:
        """What a variant's last row makes of the network."""
        from ultralytics.nn import tasks

        module = self._row(plan, row, Role()).module
        kind = kind_of(module)
        network: Any = getattr(tasks, kind.network) if isinstance(kind.network, str) else kind.network
        # RT-DETR's differs in that its head is told that there are no targets, which is what it takes by itself.
        predicts = (tasks.BaseModel.predict, tasks.RTDETRDetectionModel.predict)
        plain = network.predict in predicts and all(
            getattr(network, name) is getattr(tasks.BaseModel, name)
            for name in ("__call__", "_apply", "forward", "fuse", "is_fused", "_predict_once")
        )
        ways: dict[Any, str] = {None: "none", head_strides: "inputs", stride_of_32: "32"}
        strides = ways.get(kind.strides, "")
        return Head(network.__name__ if plain and strides else "", kind.task, strides, least_cells(module))

    def record(
        self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role, *, details: bool
    ) -> tuple[RowRecord, RowDetails | None]:
        """What a row costs, given what goes in.

        A block that is neither Ultralytics' nor the zoo's may look at more than it is given, as one that counts its
        calls. So it is made and run twice, as different rows of the model, and must cost the same both times.
        """
        built = self._row(plan, row, role)
        first = _recorded(plan, row, built, inputs, role, details=details)
        if _is_known(plan, row) or first[0].obstacle:
            return first
        plugin_state.check(_block(plan.spec, row).factory)
        other = _build(plan, replace(row, row=_other_row(row.row)))
        if _shared(built, other):
            return RowRecord("its block shares modules or parameters with others"), None
        if first != _recorded(plan, row, other, inputs, role, details=details):
            return RowRecord("its block depends on more than its row"), None
        return first

    def glance(self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role) -> RowGlance:
        """What a row gives."""
        built = self._row(plan, row, role)
        if obstacle := _obstacle(built, role):
            return RowGlance(obstacle)
        network, run, tensors = _network(plan, row, built, inputs, role)
        return row_record.glance(network, run, tensors, last=bool(role.network))

    def items(self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role, convention: Convention) -> RowItems:
        """What a convention gives the operations of a row."""
        built = self._row(plan, row, role)
        network, run, tensors = _network(plan, row, built, inputs, role)
        return row_record.items(network, run, tensors, convention, owners=built.owners, last=bool(role.network))

    def readings(self, plan: Plan, shape: Sequence[int], roles: Sequence[Role]) -> list[RowReading]:
        """What all rows of a variant give on an image of a shape, and what thop gives them.

        Raises:
            NotComposableError: Where thop stops, or a row stands in the way.
        """
        rows = [self._row(plan, row, role) for row, role in zip(plan.rows, roles, strict=True)]
        for built, role in zip(rows, roles, strict=True):
            if obstacle := _obstacle(built, role):
                raise NotComposableError(obstacle)
            _tell(built, role)
        chain = row_reading.Chain(plan.rows, [built.module for built in rows]).eval()
        _prepare(chain, plan, roles[-1])
        shared = {module for built in rows for module in built.owners}
        return row_reading.take(chain, shape, getattr(torch, roles[-1].dtype), shared)

    def sampling_is_known(self) -> bool:
        """Whether the installed thop profiles the images that are known of it."""
        return sampling_is_known()

    def _row(self, plan: Plan, row: PlannedRow, role: Role) -> BuiltRow:
        key = row.row.index, row.experts, role.dtype, role.fused
        if key not in self._built:
            self._built[key] = _build(plan, row)
        return self._built[key]


def _recorded(
    plan: Plan, row: PlannedRow, built: BuiltRow, inputs: Structure, role: Role, *, details: bool
) -> tuple[RowRecord, RowDetails | None]:
    if obstacle := _obstacle(built, role):
        return RowRecord(obstacle), None
    network, run, tensors = _network(plan, row, built, inputs, role)
    return row_record.take(
        network,
        run,
        tensors,
        registered=built.registered,
        owners=built.owners,
        parser_knows=dialect.parser_knows(row.row.module),
        last=bool(role.network),
        details=details,
    )


def _obstacle(built: BuiltRow, role: Role) -> str:
    is_head = kind_of(built.module) is not OTHER
    if is_head and not role.network:
        return "it is a head that is not the last row"
    # A head has more to drop than what is folded, and that only where something is folded in some row.
    return "other rows say whether it is fused" if is_head and role.fused and not built.folds else ""


def _network(
    plan: Plan, row: PlannedRow, built: BuiltRow, inputs: Structure, role: Role
) -> tuple[Built, RunSpec, list[torch.Tensor]]:
    """A network of one row, how it is run, and the tensors that go in, each once."""
    _tell(built, role)
    model = _Alone(built.module).eval()
    _prepare(model, plan, role)
    given = {id(value): _tensor(value) for value in flat(inputs)}
    layer = BuiltLayer(0, (-1,), 1, row.row.module, ROW, ())
    run = RunSpec(inputs=(_with_tensors(inputs, given),))
    return Built(module=model, spec=plan.spec, layers=(layer,)), run, list(given.values())


def _tell(built: BuiltRow, role: Role) -> None:
    """Tell the last row what the network tells it."""
    if role.network:
        built.module.inplace = role.inplace
        if role.strides:
            built.module.stride = torch.tensor(role.strides, device="cpu")


def _prepare(model: _Alone | row_reading.Chain, plan: Plan, role: Role) -> None:
    """Do to the weights of rows what is done to those of the network."""
    from ultralytics.nn import tasks

    if role.initialised:
        from ultralytics.utils.torch_utils import initialize_weights

        initialize_weights(model)
    if role.fused:
        fuse(Built(module=_of_network(model, tasks.DetectionModel), spec=plan.spec))
    if role.dtype != FLOAT:
        # A network has a way of its own with what its head keeps of the strides.
        _of_network(model, tasks.BaseModel).to(getattr(torch, role.dtype))


def _of_network(model: _Alone | row_reading.Chain, kind: type[BaseModel]) -> BaseModel:
    """The row as a network of a class of Ultralytics', for what such a network does to its rows."""
    network: Any = object.__new__(kind)
    nn.Module.__init__(network)
    network.model = model.model
    network.eval()
    return network


class _Alone(nn.Module):
    """A network of one row, under the path that the first row of a network has."""

    def __init__(self, row: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(row)

    def forward(self, inputs: Any) -> Any:
        """What the row gives."""
        return self.model[0](inputs)


def _build(plan: Plan, row: PlannedRow) -> BuiltRow:
    """A row's module, without memory."""
    from ultralytics.nn import tasks

    spec, block = plan.spec, _block(plan.spec, row)
    if not _is_known(plan, row):
        plugin_state.check(block.factory)
    call = call_of(spec, block, row.context)
    with on_meta(), limits.limits(limits.MAX_MODULES_OF_ROWS) as tally, activation_of(spec):
        key = key_of(block, call)
        module = build_row(spec, block, row.row, call, key, tally)
        owners = _owners(module)
    if not _is_known(plan, row):
        plugin_state.check(block.factory)
    if row.experts:
        alone = _Alone(module)
        replace_convolutions(alone, {f"{ROW}.{path}".rstrip("."): number for path, number in row.experts})
        module = alone.model[0]
    module.eval()
    forget_strides(module)
    folds = not _of_network(_Alone(module), tasks.BaseModel).is_fused()
    return BuiltRow(module, (tally.modules, tally.parameters), owners, folds)


def _is_known(plan: Plan, row: PlannedRow) -> bool:
    """Whether a block is Ultralytics' or the zoo's, which look at nothing but what they are given."""
    return row.call.family == STOCK or (plan.spec.reusable and row.call.family == plan.spec.family)


def _block(spec: VariantSpec, row: PlannedRow) -> Block:
    block = registry.find(row.row.module, spec.family)
    if block is None or block.family != row.call.family:
        raise LookupError(f"block {row.row.module} is not there any more")
    return block


def _owners(module: nn.Module) -> dict[int, str]:
    """The class attributes that modules hang on, as the activation that Ultralytics' convolutions share."""
    return {
        id(value): f"{owner.__module__}.{owner.__qualname__}.{name}"
        for kind in {type(part) for part in tree.modules(module)}
        for owner in kind.__mro__
        for name, value in vars(owner).items()
        if isinstance(value, nn.Module)
    }


def _other_row(row: Any) -> Any:
    """The row elsewhere in the file, reading other rows."""
    return msgspec.structs.replace(row, index=row.index + 1, sources=tuple(source - 1 for source in row.sources))


def _shared(first: BuiltRow, second: BuiltRow) -> bool:
    """Whether two rows that were built alike have modules or tensors in common, besides those of classes."""

    def parts(built: BuiltRow) -> set[int]:
        modules = {id(part) for part in tree.modules(built.module)} - built.owners.keys()
        return modules | {id(tensor) for tensor in tree.registered(built.module)}

    return not parts(first).isdisjoint(parts(second))


def _tensor(value: Value) -> torch.Tensor:
    shape, strides, dtype = value.tensor
    return torch.empty_strided(shape, strides, dtype=getattr(torch, dtype), device="meta")


def _with_tensors(structure: Structure, tensors: Mapping[int, torch.Tensor]) -> Any:
    if isinstance(structure, Value):
        return tensors[id(structure)]
    if structure is None:
        return None
    parts = [_with_tensors(part, tensors) for part in structure]
    return tuple(parts) if isinstance(structure, tuple) else parts
