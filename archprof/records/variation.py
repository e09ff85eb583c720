"""What ``archprof suggest --vary`` answers. Nothing here needs torch."""

from __future__ import annotations

import msgspec

from archprof.records.profile import Input, Tool, Variant
from archprof.records.record import Record


class VariedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: what was changed, its goal, and its figures by metric; or why it cannot be counted."""

    changes: dict[str, float | int | str]
    goal: float | None = None
    totals: dict[str, int] = msgspec.field(default_factory=dict)
    fits: bool = False
    error: str | None = None


class Variation(Record, frozen=True, kw_only=True):
    """The best of the variants of a model that fit into budgets.

    ``size`` is how many variants there are, ``counted`` how many were counted; if those are all, ``proven``. ``models``
    has those that were counted: what fits first, the best first.
    """

    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    goal: str
    budgets: list[str]
    size: int
    counted: int
    proven: bool
    base: dict[str, int]
    models: list[VariedModel]
    yaml: str | None = None
    stem: str

    @property
    def best(self) -> VariedModel:
        """The answer."""
        return self.models[0]

    @property
    def headline(self) -> str:
        """The model, how many variants were counted, and the best."""
        changes = ", ".join(f"{name} {value}" for name, value in self.best.changes.items())
        return f"{self.variant.name}: {changes} is the best of {self.counted} variants"
