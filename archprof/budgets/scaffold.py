"""First budgets for a repository that has none: today's figures, with headroom."""

from __future__ import annotations

import json
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets.budget import Budget, BudgetFile
from archprof.budgets.read import LOCK
from archprof.budgets.settings import ALL
from archprof.errors import VariantError
from archprof.records.metrics import find_metric
from archprof.sources import yaml_file
from archprof.sources.files import SUFFIXES
from archprof.sources.scale_in_name import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archprof.budgets.cases import Case
    from archprof.budgets.exclusion import Exclusion
    from archprof.records.profile import Profile
    from archprof.units import Unit

BOUND = ("parameters", "flops")
"""The metrics that first budgets bound."""

DIGITS = 3
"""Digits of a first budget that count: nobody agrees on 2,461,081 parameters."""

_HEAD = """\
# Budgets of this repository's models; `archprof check` checks them.
# max is the current figure plus {headroom} of headroom. max_increase compares with {lock}, in which
# `archprof check --update-lock` records the current figures.
"""

_ROWS = tuple("backbone:".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


class Discovery(msgspec.Struct, frozen=True):
    """The variants that are in a folder, and what was left out, each with the reason."""

    variants: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def discover(folder: Path, excluded: Exclusion) -> Discovery:
    """The variants in a folder and below it: every YAML that means to have rows, good or not.

    Hidden files and folders, installed packages, and what the project excludes are left out.
    """
    variants: list[str] = []
    skipped: list[tuple[str, str]] = []
    for parent, folders, files in os.walk(folder):
        subfolder = Path(parent)
        for name in sorted(folders):
            if reason := _installed(subfolder / name):
                skipped.append((_name(subfolder / name, folder), reason))
        folders[:] = sorted(name for name in folders if name != ".git" and not _installed(subfolder / name))
        for name in sorted(files):
            path = subfolder / name
            if path.suffix not in SUFFIXES or not _has_rows(path):
                continue
            if any(part.startswith(".") for part in path.relative_to(folder).parts):
                skipped.append((_name(path, folder), "it is hidden"))
            elif excluded(path):
                skipped.append((_name(path, folder), excluded.origin))
            else:
                variants.append(_name(path, folder))
    return Discovery(tuple(sorted(variants)), tuple(skipped))


def plan(path: Path, variants: Sequence[str], settings: Mapping[str, Any]) -> BudgetFile:
    """A budget file about variants that bounds nothing yet; at every scale, unless a name or the settings say which.

    Args:
        path: Where it will be.
        variants: As the file will name them.
        settings: How they are built and run.
    """
    budgets = (
        Budget(variants=(name,), settings={"scales": scale_of(Path(name).stem) or ALL, **settings}, index=index)
        for index, name in enumerate(variants)
    )
    return BudgetFile(path=path, budgets=tuple(budgets), lock=path.parent / LOCK)


def write(profiles: Iterable[tuple[Case, Profile]], headroom: Fraction, plugins: Sequence[str] = ()) -> str:
    """The text of a budget file that holds each case to what was found.

    Args:
        profiles: The cases, with what they are.
        headroom: What is added to each figure, as a share of it.
        plugins: What has to be loaded to build them.
    """
    head = _HEAD.format(headroom=_percent(headroom), lock=LOCK)
    if plugins:
        head += f"plugins = {_toml(list(plugins))}\n"
    return "\n".join([head, *(_entry(case, profile, headroom) for case, profile in profiles)])


def bound(value: int, unit: Unit, headroom: Fraction) -> str:
    """A rule for a figure: its ``max`` and ``max_increase``, both with headroom that can be used.

    Args:
        value: The figure.
        unit: Its unit.
        headroom: As a share of it. With any, at least one more holds; with none, exactly the figure.
    """
    if not headroom:
        return f'{{ max = "{f"{value} {unit}".rstrip()}", max_increase = "0 %" }}'
    headroom_amount = value * headroom
    upper = rounded_up(value + max(math.ceil(headroom_amount), 1), unit)
    # Less than one of it is nothing that a whole number can grow by.
    floor = f', floor = "{f"1 {unit}".rstrip()}"' if headroom_amount < 1 else ""
    return f'{{ max = "{upper}", max_increase = "{_percent(headroom)}"{floor} }}'


def rounded_up(value: int, unit: Unit) -> str:
    """An amount that is no less, with few digits: ``2.59 M``, ``685 MFLOPs``."""
    step = 10 ** max(len(str(value)) - DIGITS, 0)
    rounded = -(-value // step) * step
    power = min((len(str(rounded)) - 1) // 3, 4) * 3
    number = f"{Fraction(rounded, 10**power).numerator / Fraction(rounded, 10**power).denominator:g}"
    return f"{number} {['', 'K', 'M', 'G', 'T'][power // 3]}{unit}".rstrip()


def _entry(case: Case, profile: Profile, headroom: Fraction) -> str:
    names = {"scale": "scales"}
    lines = ["[[budgets]]", f"variants = {_toml(case.variant)}"]
    lines += [f"{names.get(key, key)} = {_toml(value)}" for key, value in case.settings.items()]
    for name in BOUND:
        metric = find_metric(name)
        value = metric.of(profile)
        assert isinstance(value, int)
        lines.append(f"{name} = {bound(value, metric.unit, headroom)} # {value:,}")
    return "\n".join(lines) + "\n"


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):g} %"


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _installed(folder: Path) -> str | None:
    """Why a folder holds nothing of the repository's own; None where it may."""
    if (folder / "pyvenv.cfg").is_file():
        return "it is a virtual environment"
    return "it contains installed packages" if folder.name in ("site-packages", "node_modules") else None


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _has_rows(path: Path) -> bool:
    """Whether a file means to be a variant, good or not."""
    try:
        yaml_file.load(path)
    except VariantError:
        try:
            content = path.read_bytes()
        except OSError:
            return False
        return any(rows in content for rows in _ROWS)
    return True
