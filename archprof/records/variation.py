"""What ``archprof suggest --vary`` answers. Nothing here needs torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from archprof.records.profile import Environment, Input, Tool, Variant
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of
from archprof.records.suggestion import MeasuredAnswer  # noqa: TC001 - it is looked up to read a record back

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class VariedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: what was changed, its goal, and its figures by metric; or why it cannot be counted.

    ``channels`` has those of the rows that have others than before, by module, and ``experts`` the number of experts of
    convolutions that are dynamic.
    """

    changes: dict[str, float | int | str]
    channels: dict[str, int] = msgspec.field(default_factory=dict)
    experts: dict[str, int] = msgspec.field(default_factory=dict)
    goal: float | None = None
    totals: dict[str, int] = msgspec.field(default_factory=dict)
    fits: bool = False
    error: str | None = None

    @property
    def text(self) -> str:
        """What was changed, in words: ``width 0.25, imgsz 320, channels of 7 rows``."""
        parts = [f"{name} {value}" for name, value in self.changes.items()]
        for number, thing in ((len(self.channels), "row"), (len(self.experts), "convolution")):
            if number:
                what = "channels of" if thing == "row" else "experts in"
                parts.append(f"{what} {number} {thing if number == 1 else thing + 's'}")
        return ", ".join(parts) or "the model as it is"


class Variation(SavedRecord, frozen=True, kw_only=True):
    """The best of the variants of a model that fit into budgets.

    ``size`` is how many variants there are, ``counted`` how many were counted. ``method`` says how the answer was
    found: "all" were counted; by "bounds", sums of the rows' counted costs having been searched; or by a "search" that
    proves nothing. No variant exceeds ``goal_bound`` (of a goal of which less is better: falls below), where it is
    known; if the answer has that much, it is ``proven``. ``limited`` are the metrics of the budgets. ``models`` has
    counted variants: what fits first, the best first; ``base_channels`` those of the model as it is, by row;
    ``exclusions`` what was left out, and why; ``question`` what was asked for, as options of the command
    line; ``latency_s`` the predicted times of the model and of the answer, where
    this computer was calibrated, with their intervals in ``latency_interval_s``.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    environment: Environment
    question: list[str] = msgspec.field(default_factory=list)
    goal: str
    maximise: bool = True
    budgets: list[str]
    limited: list[str] = msgspec.field(default_factory=list)
    size: int | float
    counted: int
    method: Literal["all", "bounds", "search"] = "all"
    proven: bool
    goal_bound: int | None = None
    base: dict[str, int]
    models: list[VariedModel]
    base_channels: dict[str, int] = msgspec.field(default_factory=dict)
    exclusions: list[str] = msgspec.field(default_factory=list)
    latency_s: list[float] | None = None
    latency_interval_s: list[list[float]] = msgspec.field(default_factory=list)
    measured: MeasuredAnswer | None = None
    yaml: str | None = None
    python: str | None = None
    stem: str

    @property
    def best(self) -> VariedModel:
        """The answer."""
        return self.models[0]

    @property
    def places_experts(self) -> bool:
        """Whether the variants differ in their experts alone."""
        return not any(model.changes or model.channels for model in self.models)

    @property
    def limits(self) -> str:
        """The budgets in words."""
        return " and ".join(self.budgets) or "no limit"

    @property
    def headline(self) -> str:
        """The model, how many variants were counted, and the best."""
        return f"{self.variant.name}: {self.best.text} is the best of {self.counted} variants"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a variation (draft 2020-12)."""
    return schema_of(Variation, "archprof variation")
