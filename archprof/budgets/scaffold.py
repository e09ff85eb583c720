"""First budgets for a repository that has none: today's figures, with headroom."""

from __future__ import annotations

import glob
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.budgets.budget import Budget, BudgetFile
from archprof.budgets.read import LOCK
from archprof.errors import VariantError
from archprof.records.metrics import find_metric
from archprof.sources import yaml_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archprof.budgets.cases import Case
    from archprof.records.profile import Profile
    from archprof.units import Unit

BOUND = ("parameters", "flops")
"""The metrics that first budgets bound."""

DIGITS = 3
"""Digits of a first budget that count: nobody agrees on 2,461,081 parameters."""

_HEAD = """\
# What the models of this repository are held to; `archprof check` does it.
# max is what was found, with {headroom} of headroom. max_increase compares with {lock}, where
# `archprof check --update-lock` writes what has been agreed on.
"""


def discover(folder: Path) -> list[str]:
    """The variants in a folder and below it: every YAML with rows, hidden folders left out."""
    names = [
        name
        for suffix in ("yaml", "yml")
        for name in glob.glob(f"**/*.{suffix}", root_dir=folder, recursive=True)  # noqa: PTH207 - leaves hidden ones out
    ]
    return sorted(Path(name).as_posix() for name in names if _has_rows(folder / name))


def plan(path: Path, variants: Sequence[str], settings: Mapping[str, Any]) -> BudgetFile:
    """A budget file about variants that bounds nothing yet.

    Args:
        path: Where it will be.
        variants: As the file will name them.
        settings: How they are built and run.
    """
    budgets = (Budget(variants=(name,), settings=settings, index=index) for index, name in enumerate(variants))
    return BudgetFile(path=path, budgets=tuple(budgets), lock=path.parent / LOCK)


def write(found: Iterable[tuple[Case, Profile]], headroom: Fraction) -> str:
    """The text of a budget file that holds each case to what was found.

    Args:
        found: The cases, with what they are.
        headroom: What is added to each figure, as a share of it.
    """
    percent = f"{float(headroom * 100):g} %"
    entries = [_HEAD.format(headroom=percent, lock=LOCK), *(_entry(case, profile, headroom) for case, profile in found)]
    return "\n".join(entries)


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
        most = rounded_up(-int(-value * (1 + headroom) // 1), metric.unit)
        lines.append(f'{name} = {{ max = "{most}", max_increase = "0 %" }} # {value:,}')
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _has_rows(path: Path) -> bool:
    """Whether a file means to be a variant, good or not."""
    try:
        yaml_file.load(path)
    except VariantError:
        try:
            return any(line.startswith("backbone:") for line in path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            return False
    return True
