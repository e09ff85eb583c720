"""A variant's rows -> its modules, in order, with the channels that run between them."""

from __future__ import annotations

import ast
import copy
import hashlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from archprof.builder import dialect, limits, unread_keys
from archprof.builder.activation import parse_activation
from archprof.builder.built import BuiltLayer
from archprof.builder.plugins import families_with
from archprof.builder.registry import RowContext, registry
from archprof.builder.row_failures import unbuilt, wrong_from
from archprof.builder.stock import register_stock, register_torchvision
from archprof.builder.templates import key_of, templates
from archprof.builder.unread_keys import AskedFor
from archprof.errors import BuildError
from archprof.sources import block_names
from archprof.sources.variant_errors import row_error, without_classes
from archprof.trace.patch_attributes import hold
from archprof.trace.tree import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.builder.registry import Block, Call
    from archprof.builder.templates import Key
    from archprof.sources.spec import Row, VariantSpec

IMAGE = -1
"""What the first row reads."""

ROW_MARKS = ("i", "f", "type", "np")
"""What Ultralytics' forward reads of each row's module, and what it prints of it: the row's number, the rows that it
reads, the class, the number of parameters."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The rows' modules in order, the rows whose outputs later rows read, and what each row built.

    ``body`` is a digest of what the maps that the last row reads depend on, besides the image's size; None where that
    may be more. ``remarks`` say what Ultralytics would do otherwise.
    """

    model: nn.Sequential
    save: list[int]
    layers: tuple[BuiltLayer, ...]
    body: bytes | None
    remarks: tuple[str, ...] = ()


def build_graph(spec: VariantSpec, channels: int) -> Graph:
    """Build every row, on torch's default device.

    Args:
        spec: The variant.
        channels: Channels of the input image.

    Raises:
        BuildError: Where a row names no block, reads a row that is not before it, or cannot be constructed, and
            where the whole is larger than :mod:`archprof.builder.limits` allows.
    """
    register_stock()
    if any(row.module.startswith("torchvision.") for row in spec.rows):
        register_torchvision()
    if len(spec.rows) > limits.MAX_ROWS:
        message = f"{len(spec.rows):,} rows are more than the {limits.MAX_ROWS:,} that are allowed"
        raise BuildError(message, path=spec.path, line=spec.rows[limits.MAX_ROWS].line)
    classes = spec.values.get("nc")
    if isinstance(classes, int) and classes > limits.MAX_CLASSES:
        message = f"nc is {classes:,}; {limits.MAX_CLASSES:,} classes are allowed"
        raise BuildError(message, path=spec.path, line=None if "nc" in spec.settings else spec.value_lines.get("nc"))
    widths, factors = {IMAGE: channels}, spec.factors
    modules: list[nn.Module] = []
    layers: list[BuiltLayer] = []
    save: set[int] = set()
    keys: list[Key | None] = []
    blocks = [_block(spec, row) for row in spec.rows]
    if error := without_classes(spec):
        raise error
    names = {**spec.values, **dialect.parser_variables(spec)}
    values = AskedFor(spec.values)
    light_head = False
    with ExitStack() as stack:
        tally = stack.enter_context(limits.limits(limits.MAX_MODULES_OF_ROWS))
        stack.enter_context(_activation(spec))
        for row, block in zip(spec.rows, blocks, strict=True):
            sources = _sources(spec, row)
            context = RowContext(
                row=row,
                inputs=tuple(widths[source] for source in sources),
                arguments=_arguments(row, names),
                repeats=_repeats(spec, row, factors.depth),
                scale=spec.size,
                width=factors.width,
                max_channels=factors.max_channels,
                values=values,
                light_head=light_head,
            )
            call = _call_of(spec, block, context)
            keys.append(key_of(block, call))
            module = _construct(spec, block, row, call, keys[-1], tally)
            _mark(module, row, module[0] if call.repeats > 1 else module)  # type: ignore[index]
            modules.append(module)
            layers.append(
                BuiltLayer(
                    index=row.index,
                    sources=row.sources,
                    repeats=context.repeats,
                    module=row.module,
                    path=f"model.{row.index}",
                    arguments=call.arguments,
                    line=row.line,
                    written=(row.sources if row.many else row.sources[0], row.repeats, row.module, row.arguments),
                    light_head=_light_head(block, call),
                )
            )
            widths[row.index] = call.channels
            save.update(source for source, written in zip(sources, row.sources, strict=True) if written != -1)
            light_head = light_head or block.light_head
    notes = (*unread_keys.remarks(spec, values.keys_asked), *dialect.remarks(spec, blocks))
    return Graph(nn.Sequential(*modules), sorted(save), tuple(layers), _body(spec, channels, keys), notes)


def _light_head(block: Block, call: Call) -> Literal["gives", "takes"] | None:
    """Whether a row's block changes the class branch of detection heads below it, or is such a head."""
    if block.light_head:
        return "gives"
    return "takes" if any(name == "legacy" for _, name in call.holding) else None


def _body(spec: VariantSpec, channels: int, keys: list[Key | None]) -> bytes | None:
    if None in keys:
        return None
    parts = (channels, spec.values.get("activation"), keys[:-1], [row.sources for row in spec.rows])
    return hashlib.blake2b(repr(parts).encode()).digest()


@contextmanager
def _activation(spec: VariantSpec) -> Iterator[None]:
    """Ultralytics' convolutions take their activation from their class."""
    from ultralytics.nn.modules import Conv

    text = spec.values.get("activation")
    if not text:  # as Ultralytics has it: nothing, false, an empty text
        yield
        return
    activation = parse_activation(text, path=spec.path, line=spec.value_lines.get("activation"))
    with hold({(Conv, "default_act"): activation}):
        yield


def _block(spec: VariantSpec, row: Row) -> Block:
    block = registry.find(row.module, spec.family)
    if block is None:
        raise row_error(spec, row, f"unknown block {row.module!r}", _hint(spec, row.module))
    return block


def _hint(spec: VariantSpec, name: str) -> str:
    """What may have been meant by a name that is no block's."""
    return block_names.hint(name, families_with(name), registry.nearest(name, spec.family))


def _sources(spec: VariantSpec, row: Row) -> tuple[int, ...]:
    """The rows that a row reads, counted from the first; IMAGE for the first row's own input."""
    indices = []
    for source in row.sources:
        absolute = source if source >= 0 else row.index + source
        if absolute >= row.index and absolute < len(spec.rows):
            which = "itself" if absolute == row.index else f"row {absolute}, which comes later"
            raise row_error(spec, row, f"{row.module} reads {which}", "a row reads rows above it only")
        if absolute >= row.index or absolute < (0 if row.index else IMAGE):
            raise row_error(
                spec,
                row,
                f"{row.module} reads row {source}, which does not exist",
                f"it may read rows 0 to {row.index - 1}, or -1 to -{row.index} counted back"
                if row.index
                else "the first row reads the image, -1",
            )
        indices.append(absolute)
    return tuple(indices)


def _arguments(row: Row, names: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(_value(argument, names) for argument in row.arguments)


def _value(argument: Any, values: Mapping[str, Any]) -> Any:
    """What a text among a row's arguments means: a value by its name, else a literal, else itself."""
    if not isinstance(argument, str):
        return copy.deepcopy(argument)  # a constructor may change the list that it is given
    if argument in values:
        return copy.deepcopy(values[argument])
    try:
        return ast.literal_eval(argument)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return argument


def _repeats(spec: VariantSpec, row: Row, depth: float) -> int:
    if row.repeats > limits.MAX_REPEATS:
        message = f"{row.module} is repeated {row.repeats:,} times; {limits.MAX_REPEATS:,} are allowed"
        raise row_error(spec, row, message)
    return max(round(row.repeats * depth), 1) if row.repeats > 1 else int(row.repeats)


def _call_of(spec: VariantSpec, block: Block, context: RowContext) -> Call:
    """What a row's rule makes of it."""
    if message := wrong_from(block, context.row):
        raise row_error(spec, context.row, f"{block.name} {message}")
    try:
        return block.rule(context)
    except Exception as error:
        raise unbuilt(spec, block, context.row, error) from error


def _construct(
    spec: VariantSpec, block: Block, row: Row, call: Call, key: Key | None, tally: limits.Tally
) -> nn.Module:
    try:
        module = templates.build(key, partial(_make, block, call), tally)
    except Exception as error:
        raise unbuilt(spec, block, row, error, call, partial(_try, block, call)) from error
    if not isinstance(module, nn.Module):
        raise row_error(spec, row, f"{row.module} made a {type(module).__name__}, which is not an nn.Module")
    return module


def _try(block: Block, call: Call, *arguments: Any) -> None:
    """Call the constructor with other arguments, to see whether it takes these."""
    with limits.limits(limits.MAX_MODULES_OF_ROWS):
        _make(block, replace(call, arguments=arguments, repeats=1))


def _make(block: Block, call: Call) -> nn.Module:
    with hold(call.holding):
        if call.repeats > 1:
            return nn.Sequential(*(block.factory(*call.arguments) for _ in range(call.repeats)))
        return block.factory(*call.arguments)


def _mark(module: nn.Module, row: Row, block: nn.Module) -> None:
    kind = type(block)
    sources = list(row.sources) if row.many else row.sources[0]
    size = sum(parameter.numel() for parameter in parameters(module))
    marks = (row.index, sources, f"{kind.__module__}.{kind.__qualname__}", size)
    for name, value in zip(ROW_MARKS, marks, strict=True):
        setattr(module, name, value)
