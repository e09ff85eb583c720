"""What a sweep found: a row a variant. Raw integers and SI units."""

from typing import Any, ClassVar

import msgspec

from archprof.records.comparison import Front
from archprof.records.latency import Latency, Ratio
from archprof.records.metrics import LATENCY, UNKNOWN
from archprof.records.prediction import Prediction
from archprof.records.profile import Tool
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of

VERSION = 1
"""The format's version. It changes when a reader of the old one would misread the new one."""


class SweepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One variant.

    ``point`` has its value of each axis. ``figures`` has its value of each metric, and is empty where ``error`` says
    why there are none; ``line`` is the line of the file that the error is about. ``unknown`` has the operations
    without a formula, with the times they ran: while it is not empty, sums over operations are lower bounds.
    ``packages`` are the versions of what counted it, by name. ``latency`` was measured in one experiment with the base,
    and ``ratio`` is the variant's time in times the base's.
    """

    point: dict[str, Any]
    model: str
    scale: str | None = None
    shapes: list[list[int]] = msgspec.field(default_factory=list)
    figures: dict[str, int | float] = msgspec.field(default_factory=dict)
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    prediction: Prediction | None = None
    latency: Latency | None = None
    ratio: Ratio | None = None
    error: str | None = None
    line: int | None = None

    def value(self, metric: str) -> int | float | None:
        """What it has of a metric, by its name; None where it has nothing of it. The latency is the measured median."""
        if metric == LATENCY:
            return self.latency.median_s if self.latency else None
        if metric == UNKNOWN.name:
            return sum(self.unknown.values()) if self.figures else None
        return self.figures.get(metric)


class Sweep(SavedRecord, frozen=True, kw_only=True):
    """Variants of one model, sorted by their values of the axes.

    ``setup`` is what holds for all of them, as it was asked for, and ``axes`` what was varied, by name.
    ``left_out`` counts variants that do not meet the conditions in ``where``. ``runs`` has what was asked for, each as
    options of the command line; nothing where a store of an earlier archprof does not say it.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    setup: dict[str, Any]
    axes: list[str]
    where: list[str] = msgspec.field(default_factory=list)
    runs: list[list[str]] = msgspec.field(default_factory=list)
    rows: list[SweepRow]
    left_out: int = 0
    front: Front | None = None

    @property
    def headline(self) -> str:
        """Its model, and how many variants there are."""
        failures = sum(row.error is not None for row in self.rows)
        suffix = f", {failures} without figures" if failures else ""
        return f"{self.setup.get('reference', '')}: {len(self.rows)} variants by {', '.join(self.axes)}{suffix}"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a sweep (draft 2020-12)."""
    return schema_of(Sweep, "archprof sweep")
