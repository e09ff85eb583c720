"""The profile of a variant, put together from the records of its rows. Free of torch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from archprof.builder import dialect, limits, unread_keys
from archprof.builder.options import PROBE, dtype_name
from archprof.builder.wiring import light_head_of
from archprof.pipeline.circumstances import environment_of, plain, variant_of, versions
from archprof.pipeline.composition.convention_figures import OF_IMAGES, ConventionFigures, module_path
from archprof.pipeline.composition.dynamics import merged, parameternet, totals_of
from archprof.pipeline.composition.liveness import Value, flat
from archprof.pipeline.composition.passes import FLOAT, NotComposableError, Role
from archprof.pipeline.composition.records import TOTALS
from archprof.pipeline.operation_sums import operation_sums
from archprof.records.conventions import DEFAULT, find_convention
from archprof.records.profile import Coverage, Input, Layer, Module, Profile, Totals
from archprof.records.remarks import unread_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.composition.passes import Pass, Rows
    from archprof.pipeline.composition.records import Figures, Head, RowModule, RowRecord
    from archprof.pipeline.composition.variant import Plan
    from archprof.pipeline.request import Request

FOLDED_ACROSS_ROWS = "BaseModel"
"""The network in which every batch norm is folded that a convolution alone feeds, of whatever row."""

CONTAINER = 2
"""Modules of every network besides those of its rows: itself, and the sequence of its rows."""


def compose(request: Request, plan: Plan, rows: Rows) -> Profile:
    """The profile that building, running and counting the whole gives.

    Args:
        request: What is wanted.
        plan: The request's rows.
        rows: Their records.

    Raises:
        NotComposableError: Where a row is not known, or something goes from row to row that no record has.
    """
    conventions = [name for name in dict.fromkeys(request.conventions) if name != DEFAULT]
    details = request.level == "full"
    if not all(name in OF_IMAGES or find_convention(name).by_operation for name in conventions):
        raise NotComposableError("a convention is asked for that is no sum over rows")
    head = rows.head(plan)
    strides = _strides(plan, rows, head)
    rounded = [max(round(stride), 1) for stride in strides]
    shape, task = plan.input_shape(head.task), plan.task(head.task)
    _check_shape(plan, shape, max(rounded, default=1))
    weights_dtype = _weights_dtype(plan)
    if plan.options.fuse and head.network == FOLDED_ACROSS_ROWS:
        raise NotComposableError("what it folds may be in two rows")
    roles = _roles(plan, head, strides, weights_dtype)
    dtype = "int64" if plan.tokens else weights_dtype
    pass_ = rows.run(plan, shape, roles, dtype=dtype, details=details or bool(conventions))
    dynamic = any(record.dynamics for record in pass_.records)
    if dynamic and not pass_.details:  # what its static equivalent asks of a machine is in the details
        pass_ = rows.run(plan, shape, roles, dtype=dtype, details=True)
    _check_limits(pass_.records)
    names = {*conventions, *(plan.spec.reporters if details else ())}
    figures = ConventionFigures(plan, rows, pass_, roles, head, strides, shape).of(names, conventions)
    return Profile(
        variant=variant_of(plan.spec, task=task, strides=rounded, fused=plan.options.fuse),
        input=Input(
            shapes=[list(shape)],
            dtype=dtype,
            batch=shape[0],
            kind="tokens" if plan.tokens else "image",
        ),
        environment=environment_of("meta", _remarks(plan, pass_.records)),
        totals=_totals(pass_),
        coverage=_coverage(pass_.records),
        layers=[_layer(*pair, pass_) for pair in zip(plan.rows, pass_.records, strict=True)],
        modules=_modules(head.network, pass_) if details else [],
        operations=operation_sums(entry for part in pass_.details for entry in part.operations) if details else [],
        conventions=conventions,
        reported=figures,
        work=merged(part.work for part in pass_.details) if details else [],
        parameternet=parameternet(plan, pass_) if dynamic else None,
    )


def lower_bounds(plan: Plan, rows: Rows) -> dict[str, int]:
    """What a variant has at least, by metrics that no row takes anything from: what its first rows have.

    Args:
        plan: The variant's rows.
        rows: Their records, of which those are looked at that are known.

    Raises:
        NotComposableError: Where the network does more than to call its rows, or is not known.
    """
    head = rows.head(plan)
    dtype = _weights_dtype(plan)
    roles = _roles(plan, head, (), dtype)[:-1]
    records = rows.known(plan, plan.input_shape(head.task), roles, dtype="int64" if plan.tokens else dtype)
    macs, parameters = (sum(record.totals[TOTALS.index(name)] for record in records) for name in ("macs", "parameters"))
    return {"macs": macs, "flops": 2 * macs, "parameters": parameters}


def _weights_dtype(plan: Plan) -> str:
    """The type that the network is converted to."""
    return FLOAT if plan.tokens else dtype_name(plan.options.dtype)


def _roles(plan: Plan, head: Head, strides: Sequence[float], dtype: str) -> list[Role]:
    initialised = head.strides != "none"
    inplace, fused = plan.spec.values.get("inplace", True), plan.options.fuse
    return [
        *[Role(initialised=initialised, dtype=dtype, fused=fused)] * (len(plan.rows) - 1),
        Role(head.network, tuple(strides), initialised, inplace, dtype, fused),
    ]


def _strides(plan: Plan, rows: Rows, head: Head) -> tuple[float, ...]:
    """The strides of the head's inputs, as a pass over a small image tells them."""
    if head.strides == "none":
        return ()
    if head.strides != "inputs":
        return (float(head.strides),)
    return rows.strides(plan, lambda: _probed_strides(plan, rows))


def _probed_strides(plan: Plan, rows: Rows) -> tuple[float, ...]:
    """The strides of the maps that the head reads, each row given what the one before gives of a small image."""
    roles = [Role(initialised=True)] * (len(plan.rows) - 1)
    outputs = rows.glance(plan, (1, plan.channels, PROBE, PROBE), roles)
    last = plan.rows[-1]
    inputs = [outputs[source] for source in last.sources]
    if not all(isinstance(value, Value) for value in inputs) or not last.row.many:
        raise NotComposableError("the head reads something else than maps")
    return tuple(PROBE / value.tensor[0][-2] for value in inputs)


def _check_shape(plan: Plan, shape: tuple[int, ...], stride: int) -> None:
    rank = 2 if plan.tokens else 4
    if len(shape) != rank or min(shape) < 1 or (rank == 4 and any(side % stride for side in shape[-2:])):
        raise NotComposableError("the input does not fit")


def _check_limits(records: Sequence[RowRecord]) -> None:
    modules, parameters = map(sum, zip(*[record.registered for record in records], strict=True))
    if modules > limits.MAX_MODULES_OF_ROWS or parameters > limits.MAX_PARAMETERS:
        raise NotComposableError("it is larger than is allowed")


def _remarks(plan: Plan, records: Sequence[RowRecord]) -> list[str]:
    known = {row.row.module: record.parser_knows for row, record in zip(plan.rows, records, strict=True)}
    unread = sum(record.unread for record in records)
    names = [module_path(index, name) for index, record in enumerate(records) for name in record.unread_names]
    total = sum(record.totals[2] for record in records)
    if unread and unread == total:
        raise NotComposableError("no parameter is read")
    return [
        *unread_keys.remarks(plan.spec, set(plan.asked)),
        *dialect.remarks(
            plan.spec, [row.call.family for row in plan.rows], versions()["ultralytics"], known.__getitem__
        ),
        *([dialect.PLAIN_CONVOLUTIONS] if any(row.experts for row in plan.rows) else []),
        *unread_parameters(unread, names, total),
    ]


def _totals(pass_: Pass) -> Totals:
    sums: dict[str, Any] = totals_of(pass_.records)
    shared = len({name for record in pass_.records for name in record.shared})
    sums["modules"] += shared + CONTAINER
    sums["layers"] += shared
    return Totals(**sums, flops=2 * sums["macs"], peak_activation_bytes=pass_.liveness.peak(pass_.results()))


def _coverage(records: Sequence[RowRecord]) -> Coverage:
    unknown: Counter[str] = Counter()
    for record in records:
        if record.unknown:
            unknown.update(record.unknown)
    counted, free = map(sum, zip(*[record.coverage for record in records], strict=True))
    return Coverage(operations=counted + free + unknown.total(), counted=counted, free=free, unknown=dict(unknown))


def _shapes(structure: Any) -> list[list[int]]:
    return [list(value.tensor[0]) for value in flat(structure)]


def _costs(figures: Figures) -> dict[str, int]:
    return dict(zip(("macs", "elementwise_flops", "bytes_read", "bytes_written"), figures, strict=True))


def _layer(planned: Any, record: RowRecord, pass_: Pass) -> Layer:
    row, call = planned.row, planned.call
    return Layer(
        index=row.index,
        from_=list(row.sources),
        repeats=planned.context.repeats,
        module=row.module,
        path=f"model.{row.index}",
        arguments=call.arguments,
        output_shapes=_shapes(pass_.outputs[row.index]),
        parameters=record.totals[2],
        modules=record.modules,
        line=row.line,
        yaml_row=plain(row.items),
        light_head=light_head_of(call.gives_light_head, call.legacy),
        **_costs(record.figures),
    )


def _modules(network: str, pass_: Pass) -> list[Module]:
    """Every module, what several rows share where it stands first."""
    whole = tuple(map(sum, zip(*(record.figures for record in pass_.records), strict=True)))
    parameters = sum(record.totals[2] for record in pass_.records)
    results = _shapes(pass_.results())
    shared: dict[str, list[RowModule]] = {}
    for details in pass_.details:
        for module in details.modules:
            if module.shared:
                shared.setdefault(module.shared, []).append(module)
    entries = [
        _module("", network, 1, (parameters, 0), whole, _NOTHING, results),
        _module("model", "Sequential", 0, (parameters, 0), whole, _NOTHING, []),
    ]
    for index, details in enumerate(pass_.details):
        for module in details.modules:
            same = [module] if not module.shared else shared.pop(module.shared, [])
            if not same:
                continue
            called = [part for part in same if part.calls]
            entries.append(
                _module(
                    module_path(index, module.path),
                    module.type,
                    sum(part.calls for part in same),
                    (module.parameters, module.own_parameters),
                    tuple(map(sum, zip(*(part.figures for part in same), strict=True))),
                    tuple(map(sum, zip(*(part.own_figures for part in same), strict=True))),
                    called[-1].output_shapes if called else [],
                )
            )
    return entries


_NOTHING = (0, 0, 0, 0)


def _module(
    path: str,
    kind: str,
    calls: int,
    parameters: tuple[int, int],
    figures: Any,
    own_figures: Any,
    output_shapes: list[list[int]],
) -> Module:
    return Module(
        path=path,
        type=kind,
        depth=path.count(".") + 1 if path else 0,
        calls=calls,
        parameters=parameters[0],
        own_parameters=parameters[1],
        output_shapes=output_shapes,
        **_costs(figures),
        **{f"own_{name}": value for name, value in _costs(own_figures).items()},
    )
