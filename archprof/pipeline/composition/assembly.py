"""The profile of a variant, put together from the records of its rows. Free of torch."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

from archprof.builder import dialect, limits, unread_keys
from archprof.builder.options import PROBE, dtype_name
from archprof.builder.wiring import light_head_of
from archprof.count.figures import Figures, Item, reported
from archprof.count.proxies import SCALE, ProxyReading, at_size, items
from archprof.pipeline.circumstances import environment_of, plain, variant_of, versions
from archprof.pipeline.composition.dynamics import merged, parameternet
from archprof.pipeline.composition.liveness import Value, flat
from archprof.pipeline.composition.passes import FLOAT, NotComposableError, Role
from archprof.pipeline.composition.records import TOTALS
from archprof.pipeline.operation_sums import operation_sums
from archprof.records.conventions import DEFAULT, TODAY, find_convention
from archprof.records.profile import Coverage, Input, Layer, Module, Profile, Totals
from archprof.records.remarks import unread_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.count.proxies import Key
    from archprof.pipeline.composition.passes import Pass, Rows
    from archprof.pipeline.composition.records import Figures as RowFigures
    from archprof.pipeline.composition.records import Head, RowDetails, RowModule, RowReading, RowRecord
    from archprof.pipeline.composition.variant import Plan
    from archprof.pipeline.request import Request
    from archprof.records.conventions import Convention
    from archprof.records.profile import Reported

THOP = "thop-2.0"
OF_IMAGES = {THOP, TODAY}
"""Conventions whose tools look at images of their own."""


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
    figures = {
        name: _of_operations(rows, plan, pass_, roles, find_convention(name), shape) for name in names - OF_IMAGES
    }
    if of_images := names & OF_IMAGES:
        figures |= _reported(of_images, plan, rows, pass_, head, strides, shape, asked=set(conventions))
    figures = dict(sorted(figures.items()))
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
    names = [_path(index, name) for index, record in enumerate(records) for name in record.unread_names]
    total = sum(record.totals[2] for record in records)
    if unread and unread == total:
        raise NotComposableError("no parameter is read")
    return [
        *unread_keys.remarks(plan.spec, set(plan.asked)),
        *dialect.remarks(
            plan.spec, [row.call.family for row in plan.rows], versions()["ultralytics"], known.__getitem__
        ),
        *unread_parameters(unread, names, total),
    ]


def _totals(pass_: Pass) -> Totals:
    sums: dict[str, Any] = dict(
        zip(TOTALS, map(sum, zip(*(record.totals for record in pass_.records), strict=True)), strict=True)
    )
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


def _costs(figures: RowFigures) -> dict[str, int]:
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
                    _path(index, module.path),
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


def _reported(
    names: set[str],
    plan: Plan,
    rows: Rows,
    pass_: Pass,
    head: Head,
    strides: Sequence[float],
    shape: tuple[int, ...],
    *,
    asked: set[str],
) -> dict[str, Reported]:
    """What Ultralytics printed by thop 2.0 and prints today, which every profile of a network for images has."""
    if plan.tokens:
        if asked & OF_IMAGES:
            raise NotComposableError("a convention is asked for that is for images")
        return {}
    first = next((record.first_parameter for record in pass_.records if record.first_parameter), None)
    dtype = dtype_name(plan.options.dtype)
    if first is None or len(first[0]) < 2 or first[1] != dtype:
        raise NotComposableError("no parameter tells the channels of the image")
    side = max(int(max(strides, default=0)), 32)
    small = (1, first[0][1], side, side)
    roles = _roles(plan, head, strides, dtype)
    whole = pass_ if shape[0] == 1 else rows.run(plan, (1, *shape[1:]), roles, dtype=dtype, details=True)
    exact = list(_exact(whole.details))
    scale = 2 * Fraction(prod(shape[-2:]), side * side)
    figures: dict[str, Figures] = {}
    if THOP in names:
        given = _thop_2_0(rows.readings(plan, small, roles))
        figures[THOP] = Figures([*given, *exact], scale=scale, shape=small, per_image=True)
    if TODAY in names:
        smallest = (side, head.least_cells)
        figures[TODAY] = _today(plan, rows, roles, (1, first[0][1], *shape[2:]), smallest, exact)
    return {
        name: reported(find_convention(name), figure, shape, shares=name in asked) for name, figure in figures.items()
    }


def _of_operations(
    rows: Rows, plan: Plan, pass_: Pass, roles: Sequence[Role], convention: Convention, shape: tuple[int, ...]
) -> Reported:
    """What a convention gives that is a sum over operations."""
    paths: dict[str, str] = {}
    for index, details in enumerate(pass_.details):
        for module in details.modules:
            if module.shared:  # what rows share is called by where it stands first
                paths.setdefault(module.shared, f"model.{index}.{module.path}")
    items = [
        Item(paths[owner] if owner else _path(index, path), operation, amount, macs)
        for index, part in enumerate(rows.items(plan, pass_, roles, convention))
        for path, operation, amount, macs, owner in part.items
    ]
    return reported(convention, Figures(items), shape)


def _path(index: int, path: str) -> str:
    """A module's path in the model, given its row and its path in that."""
    return f"model.{index}.{path}" if path else f"model.{index}"


def _today(
    plan: Plan,
    rows: Rows,
    roles: Sequence[Role],
    shape: tuple[int, ...],
    smallest: tuple[int, int],
    exact: Sequence[Item],
) -> Figures:
    rows.check_sampling()

    def read(height: int, width: int) -> ProxyReading:
        readings = rows.readings(plan, (*shape[:2], height, width), roles)
        return ProxyReading(
            {key: amount for index, part in enumerate(readings) for key, amount in _parts(index, part.modules)},
            {key: amount for index, part in enumerate(readings) for key, amount in _parts(index, part.functions)},
            any(part.fixed for part in readings),
            any(part.quadratic for part in readings),
        )

    reading = at_size((shape[-2], shape[-1]), *smallest, read)
    if not reading.total:
        raise NotComposableError("thop gives nothing")
    return Figures(items(reading, exact), scale=SCALE, shape=shape, per_image=True)


def _thop_2_0(readings: Sequence[RowReading]) -> Iterator[Item]:
    for index, reading in enumerate(readings):
        for (path, kind), amount in _parts(index, reading.thop_2_0):
            yield Item(path, kind, amount, 0)


def _parts(index: int, parts: Sequence[tuple[str, str, int]]) -> Iterator[tuple[Key, int]]:
    for path, name, amount in parts:
        yield (_path(index, path), name), amount


def _exact(details: Sequence[RowDetails]) -> Iterator[Item]:
    for index, part in enumerate(details):
        if part.exact is None:
            raise NotComposableError("rows share modules that multiply")
        for path, kind, macs in part.exact:
            yield Item(_path(index, path), kind, 0, macs)
