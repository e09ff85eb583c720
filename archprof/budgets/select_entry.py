"""Which entry of a file is meant: the one that is named, or the one of the model that it is compared with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.budgets.settings import heard
from archprof.errors import UsageError, did_you_mean
from archprof.sources.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.budgets.saved_models import Entry, Kept

SHOWN = 6
"""How many entries of a file a message names."""


def choose(file: Kept, given: Mapping[str, str], beside: Sequence[Spec | Entry]) -> Entry:
    """The entry of a file that is meant.

    By its name: the one behind the ``#``, else that of the first model beside which it stands, else the only one there
    is. Then by the settings behind the ``#``, and those that are given; then by that model's scale.

    Args:
        file: The file.
        given: Settings that were asked for, as :func:`archprof.budgets.settings.heard` has them.
        beside: What it is compared with, as far as that is known.

    Raises:
        UsageError: Where none is meant, or several are; with those that there are.
    """
    name, settings = _words(file.wanted)
    entries = _called(file, name, beside)
    wanted = {**(given if file.locked else {key: given[key] for key in ("scale",) if key in given}), **settings}
    fitting = [one for one in entries if all(one.settings.get(key) == text for key, text in wanted.items())]
    if not fitting:
        said = " ".join(f"{key}={text}" for key, text in wanted.items())
        raise UsageError(f"{file.path} has no {entries[0].variant} with {said}", hint=f"it has {_named(entries)}")
    scales = [_scale_of(one) for one in beside]
    for narrow in (
        lambda one: one.settings.get("scale") in scales,
        lambda one: one.settings.keys() <= {*wanted, "scale"},
    ):
        if len(fitting) > 1:
            fitting = [one for one in fitting if narrow(one)] or fitting
    if len(fitting) > 1:
        hint = f"say which, as '{file.path}#{fitting[0].line}', or by options; it has {_named(fitting)}"
        raise UsageError(f"{file.path} has {fitting[0].variant} several times", hint=hint)
    return fitting[0]


def _words(wanted: str) -> tuple[str, dict[str, str]]:
    """What stands behind the ``#``: a name, and settings."""
    settings = heard(f" {wanted}")
    name = " ".join(wanted.split())
    for key, text in settings.items():
        name = name.replace(f"{key}={text}", "")
    return name.strip(), settings


def _called(file: Kept, name: str, beside: Sequence[Spec | Entry]) -> list[Entry]:
    """The entries of one variant."""
    there = list(dict.fromkeys(one.variant for one in file.entries))
    if not there:
        raise UsageError(f"{file.path} has no models in it")
    for wanted in [name] if name else [_name_of(one) for one in beside]:
        found = _matching(file, wanted, there)
        if len(found) == 1:
            return [one for one in file.entries if one.variant == found[0]]
        if name:
            hint = did_you_mean(name, there) or f"it has {_listed(there)}"
            raise UsageError(f"{file.path} has {'several' if found else 'no'} {name!r}", hint=hint)
    if len(there) == 1:
        return list(file.entries)
    hint = f"say which, as {file.path}#{there[0]}; it has {_listed(there)}"
    raise UsageError(f"{file.path} has several models", hint=hint)


def _matching(file: Kept, wanted: str, there: Sequence[str]) -> list[str]:
    """The variants that a name may mean: the same path, else the same file in whichever folder."""
    folder = Path(file.path).parent
    same = [one for one in there if one == wanted or os.path.realpath(folder / one) == os.path.realpath(wanted)]
    return same or [one for one in there if Path(one).name == Path(wanted).name or Path(one).stem == wanted]


def _name_of(one: Spec | Entry) -> str:
    """The path of a YAML, without the revision that it is of; else what was typed."""
    if isinstance(one, Spec) and one.path:
        path = str(one.path)
        return path if one.path.is_file() else path.rpartition(":")[2]
    return getattr(one, "variant", "") or getattr(one, "reference", "")


def _scale_of(one: Spec | Entry) -> str | None:
    return one.scale if isinstance(one, Spec) else getattr(one, "settings", {}).get("scale")


def _named(entries: Sequence[Entry]) -> str:
    return _listed([one.line for one in entries])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more
