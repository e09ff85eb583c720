"""A budget file as data: which variants, at which settings, are held to what. Frozen, and free of torch."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.quantity import Quantity
    from archprof.records.metrics import Metric


class Level(StrEnum):
    """What becomes of a bound that does not hold: it fails the check, is only said, or is not looked at."""

    error = "error"
    warn = "warn"
    off = "off"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric is held to.

    Attributes:
        metric: Of what.
        max: The most that it may be.
        min: The least that it may be.
        max_increase: The most that it may have grown since the baseline, as an amount or in percent of it.
        floor: A growth below it is never too much.
        level: What becomes of it where it does not hold.
        message: What the team has to say then.
        key_path: Where the rule stands in the budget file: ``budgets[2].flops``.
        line: The line there, where it could be found.
    """

    metric: Metric
    max: Quantity | None = None
    min: Quantity | None = None
    max_increase: Quantity | None = None
    floor: Quantity | None = None
    level: Level = Level.error
    message: str | None = None
    key_path: str
    line: int | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One entry of the file.

    Attributes:
        variants: Paths, globs over paths, or references of other kinds.
        settings: What it says of how they are built and run, by the key in the file.
        rules: What they are held to. An entry without any holds the exact metrics to the baseline; one with
            level "off" and without any takes its variants out.
        level: What becomes of a rule that has no level of its own.
        message: What the team has to say where a rule has no message of its own.
        index: Which entry it is, from 0.
        line: The line of the file, where it could be found.
    """

    variants: tuple[str, ...]
    settings: Mapping[str, Any] = msgspec.field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    level: Level = Level.error
    message: str | None = None
    index: int
    line: int | None = None

    @property
    def key_path(self) -> str:
        """Where it stands in the file: ``budgets[2]``."""
        return f"budgets[{self.index}]"

    @property
    def excludes(self) -> bool:
        """Whether it says that its variants are not to be checked at all."""
        return self.level is Level.off and not self.rules


class BudgetFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file; relative paths in it go by its folder.

    Attributes:
        path: The file.
        budgets: Its entries, in its order.
        lock: Where the lock file is.
        plugins: Files, by the working folder, and modules that register blocks.
        exclude: Patterns of files that its globs leave out.
    """

    path: Path
    budgets: tuple[Budget, ...]
    lock: Path
    plugins: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that its paths go by."""
        return self.path.parent
