"""Why counters disagree: what each said of one model, and the way from the exact count to that figure.

Amounts are multiply-accumulates (MACs) as the counter means them, and integers: for every counter whose parts are
known the exact count and its differences add up to what it said, to the operation.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from archprof import units
from archprof.records.profile import Environment, Input, Tool, Variant
from archprof.records.record import SavedRecord

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""

Kind = Literal["missed", "repeated", "added", "unexplained"]
"""Left out or counted too low; counted several times; counted although it is none, or too high; not told."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where a counter's figure parts from the exact count: one operation in one module.

    ``operation`` is the ATen operation that is missed or counted several times, or what the counter calls that which
    it adds. ``macs`` is what it changes in the total: negative where it is missed. ``calls`` is how often the
    operation ran. ``module`` is None where the tool does not say, ``row`` where no row of a YAML made the module.
    """

    kind: Kind
    operation: str
    why: str
    macs: int
    calls: int | None = None
    module: str | None = None
    type: str | None = None
    row: int | None = None


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What one counter said.

    ``value`` is in ``unit``, as the tool gives it; ``macs`` is the same in multiply-accumulates and ``ratio`` that
    over the exact count. ``seconds`` is what it took. ``error`` says why there is no figure.
    """

    counter: str
    version: str | None
    unit: str
    value: float | None = None
    macs: int | None = None
    ratio: float | None = None
    seconds: float | None = None
    error: str | None = None
    warnings: list[str] = msgspec.field(default_factory=list)
    differences: list[Difference] = msgspec.field(default_factory=list)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the YAML, to name it by."""

    index: int
    module: str
    path: str


class AuditResult(SavedRecord, frozen=True, kw_only=True):
    """One model at one input: the exact count, and what each counter made of it.

    ``unknown`` has the operations that have no formula, with the times they ran; while it is not empty the exact
    count is a lower bound. ``seconds`` is what the exact count took.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    environment: Environment
    macs: int
    seconds: float
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    rows: list[Row] = msgspec.field(default_factory=list)
    opinions: list[Opinion] = msgspec.field(default_factory=list)

    @property
    def headline(self) -> str:
        """What was counted, and by how many."""
        counters = units.plural(len(self.opinions), "counter")
        return f"{self.variant.name}: {units.amount(self.macs)}MACs exactly, compared with {counters}"
