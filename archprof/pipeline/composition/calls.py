"""What rows are turned into: constructor calls, by rules that need no torch, or as they were kept. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from archprof.builder import rules, stock
from archprof.builder.registry import Block, registry
from archprof.builder.row_failures import wrong_from
from archprof.pipeline.circumstances import plain
from archprof.pipeline.composition.records import RowCall
from archprof.pipeline.composition.shelf import key_of
from archprof.pipeline.composition.signature import signature_of
from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from archprof.builder.registry import Call, RowContext
    from archprof.pipeline.composition.shelf import Shelf
    from archprof.pipeline.composition.variant import Surroundings
    from archprof.sources.spec import VariantSpec


class Calls(Protocol):
    """Says what call a row's rule makes."""

    def of(self, spec: VariantSpec, context: RowContext) -> RowCall | None:
        """The call; None where it cannot be told here."""


class KnownCalls:
    """Without torch: Ultralytics' own rules, which have no need of its classes, and calls that were kept.

    Args:
        shelf: Where calls are kept.
        surroundings: What the rows of a process depend on.
    """

    def __init__(self, shelf: Shelf, surroundings: Surroundings) -> None:
        self._shelf = shelf
        self._surroundings = surroundings

    def of(self, spec: VariantSpec, context: RowContext) -> RowCall | None:
        """By the rule of Ultralytics' block, or as it was kept."""
        if spec.family != STOCK or self._surroundings.plugins or _registered(context.row.module, spec.family):
            return self._shelf.find(call_key(self._surroundings, spec, context), RowCall)
        name = context.row.module
        rule = stock.RULES.get(name, rules.unchanged)
        block = Block(name, _not_imported, rule, STOCK, name in stock.LIGHT_HEAD)
        return None if wrong_from(block, context.row) else row_call(block, rule(context), ())


def row_call(block: Block, call: Call, keys_read: tuple[str, ...]) -> RowCall:
    """A rule's call as it is kept.

    Args:
        block: The row's block.
        call: What its rule made of the row.
        keys_read: The top-level values that the rule asked for.
    """
    return RowCall(
        family=block.family,
        arguments=[plain(argument) for argument in call.arguments],
        channels=call.channels,
        repeats=call.repeats,
        gives_light_head=block.light_head,
        legacy=call.legacy,
        signature=signature_of(call),
        asked=list(keys_read),
    )


def call_key(surroundings: Surroundings, spec: VariantSpec, context: RowContext) -> str:
    """The name under which a row's call is kept: of all that its rule may look at, besides the row's line.

    Raises:
        TypeError: Where some of it has no form in bytes.
    """
    row = context.row
    identity = (row.index, row.sources, row.many, row.repeats, row.module, row.arguments)
    values = {key: spec.values[key] for key in spec.values}
    return key_of(
        b"call",
        surroundings,
        spec.family,
        identity,
        context.inputs,
        context.arguments,
        context.repeats,
        (context.scale, context.width, context.max_channels, context.light_head),
        values,
    )


def _registered(name: str, family: str) -> bool:
    """Whether this process has registered a block that rows mean by an Ultralytics name."""
    block = registry.find(name, family)
    return block is not None and block.family != STOCK


def _not_imported() -> NoReturn:
    """Stands for the class of a block, of which only the name is known here."""
    raise NotImplementedError
