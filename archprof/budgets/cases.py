"""A budget file -> its cases: every variant at every setting that an entry names, with the rules that hold there."""

from __future__ import annotations

import fnmatch
import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets.budget import Level, Rule
from archprof.budgets.exclusion import Exclusion
from archprof.budgets.settings import agrees, format_settings, options_of, spread
from archprof.errors import ArchprofError, BudgetFileError, UsageError, did_you_mean
from archprof.quantity import parse
from archprof.records.metrics import METRICS
from archprof.sources import reference as references
from archprof.sources import settings as values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archprof.budgets.budget import Budget, BudgetFile
    from archprof.builder.options import Options
    from archprof.sources.spec import Spec

DEFAULT_METRICS = ("parameters", "layers", "flops", "activation_bytes", "peak_activation_bytes", "flops_ratio")
"""What an entry without metrics holds to the baseline: exact figures, of which less is better. None may grow at all."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One variant at one set of settings. Either there is a spec, or the error says why not.

    Attributes:
        variant: The path by the budget file's folder, or the reference.
        file: The path by the working folder, where it is a file.
        settings: How it is built and run, as the budget file says it; ``scale`` is there wherever there are scales.
        line: The line of the entry in the budget file that it is from.
        rules: What it is held to, in the order of the metrics.
    """

    variant: str
    file: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    spec: Spec | None = None
    line: int | None = None
    rules: tuple[Rule, ...] = ()
    error: ArchprofError | None = None

    @property
    def options(self) -> Options:
        """How it is built and run."""
        return options_of(self.settings)

    @property
    def case_key(self) -> tuple[str, str]:
        """Where it stands in the lock file: the variant, and its settings, as ``imgsz=640 scale=n``."""
        return legible(self.variant), format_settings(self.settings)


class Cases(msgspec.Struct, frozen=True):
    """What is to be checked, and the patterns of the file that matched nothing.

    ``partial`` says that only some of the file's variants were asked for.
    """

    cases: tuple[Case, ...]
    unmatched: tuple[tuple[Budget, str], ...] = ()
    partial: bool = False


def find(file: BudgetFile, references: Sequence[str] = ()) -> Cases:
    """The cases of a budget file.

    Args:
        file: The file.
        references: Only the variants that these references mean; all where there are none.

    Raises:
        UsageError: Where no entry is about one of the references.
        BudgetFileError: Where no entry leads to anything to check.
    """
    if not file.budgets:
        hint = "each entry starts with [[budgets]]; archprof init writes a first file"
        raise BudgetFileError("has no budgets", path=file.path, hint=hint)
    entries_of, unmatched = _entries_by_variant(file)
    names = _selected(file, entries_of, references)
    cases: dict[tuple[str, str], Case] = {}
    for name in names:
        entries = entries_of[name]
        for entry in sorted(entries, key=lambda budget: budget.index):
            if entry.level is Level.off or _excluded(entry, entries):
                continue
            for case in _spread(file.root, name, entry):
                cases.setdefault(case.case_key, case)
    with_rules = [_with_rules(case, entries_of[case.variant]) for case in cases.values()]
    active = tuple(case for case in with_rules if case.rules or case.error)
    if not active:
        patterns = ", ".join(repr(pattern) for _, pattern in unmatched)
        reason = f"nothing matches {patterns}" if patterns else "every entry is off"
        where = f"paths are relative to {file.root.resolve()}" if patterns else None
        raise BudgetFileError(f"nothing to check: {reason}", path=file.path, hint=where)
    return Cases(active, () if references else tuple(unmatched), partial=bool(references))


def variants(file: BudgetFile) -> list[str]:
    """The variants that a budget file is about, as it names them."""
    return list(_entries_by_variant(file)[0])


Entries = dict["Budget", tuple[int, int]]
"""Entries that are about a variant, each with how nearly its pattern names it."""


def _entries_by_variant(file: BudgetFile) -> tuple[dict[str, Entries], list[tuple[Budget, str]]]:
    """The entries about each variant, and the patterns that match nothing."""
    entries_of: dict[str, Entries] = {}
    unmatched = []
    for budget in file.budgets:
        for pattern in budget.variants:
            names = _expand(file, pattern)
            if not names:
                unmatched.append((budget, pattern))
            for name in names:
                nearness = (name == pattern, len(pattern) - sum(map(pattern.count, "*?[]")))
                entries = entries_of.setdefault(name, {})
                entries[budget] = max(nearness, entries.get(budget, nearness))
    return entries_of, unmatched


def _expand(file: BudgetFile, pattern: str) -> list[str]:
    """The files that a glob matches, without hidden and excluded ones; anything else stands for itself."""
    root, excluded = file.root, Exclusion(file.root, file.exclude)
    if not glob.has_magic(pattern) or (root / pattern).is_file():
        return [pattern]
    names = glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 - it leaves hidden folders out
    return sorted(Path(name).as_posix() for name in names if (root / name).is_file() and not excluded(root / name))


def _selected(file: BudgetFile, entries_of: dict[str, Entries], references: Sequence[str]) -> Iterable[str]:
    if not references:
        return entries_of
    by_path = {os.path.realpath(file.root / name): name for name in entries_of}
    selected: list[str] = []
    for reference in references:
        names = [reference] if reference in entries_of else _in_files(reference, by_path)
        if not names:
            hint = did_you_mean(reference, entries_of) or f"it has budgets for {', '.join(entries_of) or 'nothing'}"
            raise UsageError(f"{file.path} has no budget for {reference!r}", hint=hint)
        selected += names
    return dict.fromkeys(selected)


def _in_files(reference: str, by_path: Mapping[str, str]) -> list[str]:
    """The variants that a path, a folder or a pattern of the working folder means."""
    path = os.path.realpath(reference)
    return [
        name
        for file, name in by_path.items()
        if path in (file, *map(str, Path(file).parents)) or (glob.has_magic(reference) and fnmatch.fnmatch(file, path))
    ]


def _excluded(entry: Budget, entries: Entries) -> bool:
    """Whether a nearer entry without settings says that the variant is not to be checked."""
    return any(
        rival.excludes and not rival.settings and _rank(rival, entries) > _rank(entry, entries) for rival in entries
    )


def _rank(entry: Budget, entries: Entries) -> tuple[Any, ...]:
    """What makes an entry the more specific one: an exact path, then more of it, more settings, a later place."""
    return (*entries[entry], len(entry.settings), entry.index)


def _spread(root: Path, name: str, entry: Budget) -> Iterator[Case]:
    """The cases that an entry names of a variant."""
    path = root / name
    file = os.path.relpath(path) if path.is_file() else None
    reference = file or _reference_in(root, name)
    try:
        scales = references.scales(reference) if "scales" in entry.settings else ()
        all_settings = spread(entry.settings, scales)
    except ArchprofError as error:
        yield Case(variant=name, file=file, error=error, line=entry.line)
        return
    for settings in all_settings:
        try:
            spec = references.resolve(reference, scale=settings.get("scale"))
            changes = {**settings.get("set", {}), **({"nc": settings["nc"]} if "nc" in settings else {})}
            spec = values.apply(spec, changes)
        except ArchprofError as error:
            yield Case(variant=name, file=file, settings=settings, error=error, line=entry.line)
            continue
        if spec.scale is not None:
            settings = {"scale": spec.scale, **settings}
        yield Case(variant=name, file=file, settings=settings, spec=spec, line=entry.line)


def _reference_in(root: Path, name: str) -> str:
    """A reference; a function's file goes by the budget file's folder."""
    head, colon, factory = name.rpartition(":")
    if colon and head.endswith(".py") and (root / head).is_file():
        return f"{os.path.relpath(root / head)}:{factory}"
    return name


def _with_rules(case: Case, entries: Entries) -> Case:
    """A case with its rules: of each metric those of the most specific entry that is about the case."""
    rules: dict[str, Rule] = {}
    defaults: dict[str, Rule] = {}
    for entry in sorted(entries, key=lambda budget: _rank(budget, entries)):
        if not agrees(entry.settings, case.settings):
            continue
        if entry.excludes:
            rules, defaults = {}, {}
        elif entry.rules:
            rules |= {rule.metric.name: rule for rule in entry.rules}
        else:
            defaults = {rule.metric.name: rule for rule in _default_rules(entry)}
    order = list(METRICS)
    rules_by_metric = sorted(
        (rule for rule in (defaults | rules).values() if rule.level is not Level.off),
        key=lambda rule: order.index(rule.metric.name) if rule.metric.name in METRICS else len(order),
    )
    return msgspec.structs.replace(case, rules=tuple(rules_by_metric))


def _default_rules(entry: Budget) -> Iterator[Rule]:
    for name in DEFAULT_METRICS:
        metric = METRICS[name]
        yield Rule(
            metric=metric,
            max_increase=parse("0 %", metric.unit, percent=True),
            level=entry.level,
            message=entry.message,
            key_path=entry.key_path,
            line=entry.line,
        )


def legible(text: str) -> str:
    """Text that can be written: a file's name may have bytes that are no text, each of which is a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
