"""What a check found: plain data that every format is written from, saved as JSON. Nothing here needs torch."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from archprof import units
from archprof.records.metrics import LATENCY
from archprof.records.profile import Tool
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""

Kind = Literal["max", "min", "max_increase"]
State = Literal["failed", "warning", "inconclusive", "no_baseline", "ok"]
"""Exceeds the bound; so, as a warning; a latency that may be within or not; nothing to compare with; within."""


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """What of the YAML has most to do with a figure that exceeds its bound: a row, or a top-level key.

    Attributes:
        reason: A row was "changed", "added" or "removed" since the baseline, or a key was "changed"; no line was
            changed, and it is the row that "grew" most; nothing is known of what was, and it is the "largest" row.
        row: The row's number: in the file as it is, or as it was for one that was removed. None for a key.
        module: The row's module.
        key: The top-level key: "activation", "scales.n". None for a row.
        line: The line in the file as it is; None for what was removed.
        before: What the row or the key said before; None for one that was added.
        after: What it says now; None for one that was removed.
        value: What the row has of the metric; None where rows have no part in it.
        change: How much the metric grew by it: with what follows from it in other rows.
        share: The share of the whole growth that this is.
        light_head: The numbers of detection heads whose class branch is another one because of it.
    """

    reason: Literal["changed", "added", "removed", "grew", "largest"]
    row: int | None = None
    module: str | None = None
    key: str | None = None
    line: int | None = None
    before: str | None = None
    after: str | None = None
    value: int | None = None
    change: int | None = None
    share: float | None = None
    light_head: list[int] = msgspec.field(default_factory=list)


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One bound, held against what was found. Values are single things, FLOPs, MACs, bytes, seconds or times.

    ``bound`` is the last value that holds: of a whole number's metric the limit rounded to a whole number that
    holds. ``excess`` is how far ``actual`` is beyond it, and 0 where it holds. ``limit`` is the bound as the
    budget file has it. ``lower_bound`` says that operations without a formula ran, so that it may be more in truth.
    ``interval`` is where a latency lies with 99 % confidence; ``note`` is what else a reader should know.
    """

    metric: str
    kind: Kind
    state: State
    actual: int | float
    bound: int | float | None
    baseline: int | float | None = None
    excess: int | float = 0
    limit: str
    lower_bound: bool = False
    interval: tuple[float, float] | None = None
    note: str | None = None
    message: str | None = None
    attribution: Attribution | None = None
    key_path: str
    key_line: int | None = None

    @property
    def share(self) -> float:
        """How far beyond the bound, as a share of it; a bound of 0 makes any excess infinite."""
        if not self.excess:
            return 0.0
        return self.excess / abs(self.bound) if self.bound else float("inf")


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One variant at one set of settings: its results, or the error that kept it from being evaluated.

    ``file`` is its path by the working folder; ``error_file`` and ``error_line`` are where the error is.
    """

    variant: str
    file: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    shapes: list[list[int]] = msgspec.field(default_factory=list)
    results: list[RuleResult] = msgspec.field(default_factory=list)
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    error: str | None = None
    error_file: str | None = None
    error_line: int | None = None

    @property
    def failed(self) -> list[RuleResult]:
        """What fails the check."""
        return [result for result in self.results if result.state == "failed"]

    @property
    def without_baseline(self) -> list[RuleResult]:
        """Bounds on growth for which there is nothing to compare with."""
        return [result for result in self.results if result.state == "no_baseline"]

    @property
    def improved(self) -> bool:
        """Whether an exact figure is less than it was, and none is more."""
        exact = [result for result in self.results if not result.metric.startswith(LATENCY)]
        changes = [result.actual - result.baseline for result in exact if result.baseline is not None]
        return bool(changes) and min(changes) < 0 and max(changes) <= 0

    @property
    def state(self) -> str:
        """``error``, or the worst of its results' states."""
        if self.error is not None:
            return "error"
        states = {result.state for result in self.results}
        return next(
            (state for state in ("failed", "warning", "inconclusive", "ok", "no_baseline") if state in states), "ok"
        )


class CheckResult(SavedRecord, frozen=True, kw_only=True):
    """A whole check.

    ``baseline`` is what ``max_increase`` compares with, None where there is none yet; ``baseline_is_lock`` says that it
    is the lock file. ``exit_code`` is 2 where something could not be evaluated, else 1 where a budget failed, else 0.

    Paths everywhere in it go by the working folder, ``folder``, which is itself told from ``root``: the top of the
    repository, or the budget file's folder where there is none. :meth:`from_root` makes of them what annotations need.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    config: str
    root: str = ""
    folder: str = "."
    baseline: str | None = None
    baseline_is_lock: bool = False
    exit_code: int
    cases: list[CaseResult]

    @property
    def headline(self) -> str:
        """How many cases it has, and how it ends."""
        return f"{units.plural(len(self.cases), 'case')}: exit code {self.exit_code}"

    def from_root(self, path: str) -> str:
        """A path of this result as it goes from the repository's root, with slashes; one outside of it is absolute."""
        full = posixpath.normpath(posixpath.join(self.root, self.folder, path.replace("\\", "/")))
        return full.removeprefix(f"{self.root.rstrip('/')}/") if self.root else full


def exit_code(cases: Sequence[CaseResult]) -> int:
    """What a check of these cases ends with."""
    if not cases or any(case.error is not None for case in cases):
        return 2
    return 1 if any(case.failed for case in cases) else 0


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a check's result (draft 2020-12)."""
    return schema_of(CheckResult, "archprof check")
