"""A variant's rows -> its modules, in order, with the channels that run between them."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import nn

from archprof.builder import dialect, limits, unread_keys
from archprof.builder.activation import parse_activation
from archprof.builder.built import BuiltLayer
from archprof.builder.plugins import families_with
from archprof.builder.registry import registry
from archprof.builder.row_failures import unbuilt, wrong_from
from archprof.builder.stock import register_stock, register_torchvision
from archprof.builder.templates import key_of, templates
from archprof.builder.ultralytics_import import ultralytics_version
from archprof.builder.wiring import Wiring, check_amounts, light_head_of, sources_of
from archprof.sources import block_names
from archprof.sources.variant_errors import row_error
from archprof.trace.patch_attributes import hold
from archprof.trace.tree import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.builder.registry import Block, Call, RowContext
    from archprof.builder.templates import Key
    from archprof.sources.spec import Row, VariantSpec

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
    check_amounts(spec)
    modules: list[nn.Module] = []
    layers: list[BuiltLayer] = []
    keys: list[Key | None] = []
    blocks = [_block(spec, row) for row in spec.rows]
    wiring = Wiring(spec, channels)
    with ExitStack() as stack:
        tally = stack.enter_context(limits.limits(limits.MAX_MODULES_OF_ROWS))
        stack.enter_context(activation_of(spec))
        for row, block in zip(spec.rows, blocks, strict=True):
            sources = sources_of(spec, row)
            context = wiring.context(row, sources)
            call = call_of(spec, block, context)
            keys.append(key_of(block, call))
            modules.append(build_row(spec, block, row, call, keys[-1], tally))
            layers.append(
                BuiltLayer(
                    index=row.index,
                    sources=row.sources,
                    repeats=context.repeats,
                    module=row.module,
                    path=f"model.{row.index}",
                    arguments=call.arguments,
                    line=row.line,
                    written=row.items,
                    light_head=light_head_of(block.light_head, call.legacy),
                )
            )
            wiring.add(row, sources, call.channels, light_head=block.light_head)
    families = [block.family for block in blocks]
    notes = (
        *unread_keys.remarks(spec, wiring.values.keys_asked),
        *dialect.remarks(spec, families, ultralytics_version(), dialect.parser_knows),
    )
    return Graph(nn.Sequential(*modules), sorted(wiring.read_later), tuple(layers), _body(spec, channels, keys), notes)


def _body(spec: VariantSpec, channels: int, keys: list[Key | None]) -> bytes | None:
    if None in keys:
        return None
    parts = (channels, spec.values.get("activation"), keys[:-1], [row.sources for row in spec.rows])
    return hashlib.blake2b(repr(parts).encode()).digest()


@contextmanager
def activation_of(spec: VariantSpec) -> Iterator[None]:
    """While it holds, Ultralytics' convolutions, which take their activation from their class, have the variant's."""
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


def call_of(spec: VariantSpec, block: Block, context: RowContext) -> Call:
    """What a row's rule makes of it.

    Raises:
        BuildError: Where the rule does not take the row.
    """
    if message := wrong_from(block, context.row):
        raise row_error(spec, context.row, f"{block.name} {message}")
    try:
        return block.rule(context)
    except Exception as error:
        raise unbuilt(spec, block, context.row, error) from error


def build_row(spec: VariantSpec, block: Block, row: Row, call: Call, key: Key | None, tally: limits.Tally) -> nn.Module:
    """A row's module, with the marks that Ultralytics' forward reads.

    Args:
        spec: The variant.
        block: The row's block.
        row: The row.
        call: What its rule made of it.
        key: What it is kept by for another time; None where it is not to be.
        tally: What the whole model has registered.

    Raises:
        BuildError: Where it cannot be built.
    """
    try:
        module = templates.build(key, partial(_make, block, call), tally)
    except Exception as error:
        raise unbuilt(spec, block, row, error, call, partial(_try, block, call)) from error
    if not isinstance(module, nn.Module):
        raise row_error(spec, row, f"{row.module} made a {type(module).__name__}, which is not an nn.Module")
    _mark(module, row, module[0] if call.repeats > 1 else module)  # type: ignore[index]
    return module


def _try(block: Block, call: Call, *arguments: Any) -> None:
    """Call the constructor with other arguments, to see whether it takes these."""
    with limits.limits(limits.MAX_MODULES_OF_ROWS):
        _make(block, replace(call, arguments=arguments, repeats=1))


def _make(block: Block, call: Call) -> nn.Module:
    with hold({**_class_branches(call.legacy), **call.holding}):
        if call.repeats > 1:
            return nn.Sequential(*(block.factory(*call.arguments) for _ in range(call.repeats)))
        return block.factory(*call.arguments)


def _class_branches(legacy: bool | None) -> dict[tuple[type, str], Any]:
    """Which class branch a Detect builds is an attribute of its class, and any class below may have its own."""
    if legacy is None:
        return {}
    from ultralytics.nn.modules import Detect

    classes = [Detect]
    for kind in classes:
        classes.extend(kind.__subclasses__())
    return {(kind, "legacy"): legacy for kind in classes}


def _mark(module: nn.Module, row: Row, block: nn.Module) -> None:
    kind = type(block)
    sources = list(row.sources) if row.many else row.sources[0]
    size = sum(parameter.numel() for parameter in parameters(module))
    marks = (row.index, sources, f"{kind.__module__}.{kind.__qualname__}", size)
    for name, value in zip(ROW_MARKS, marks, strict=True):
        setattr(module, name, value)
