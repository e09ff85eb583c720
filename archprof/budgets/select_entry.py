"""Which entry of a file is meant: the one that is named, or the one of the model that it is compared with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.budgets.settings import parse_settings
from archprof.errors import UsageError, did_you_mean
from archprof.sources.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.budgets.saved_models import Entry, SavedFile

MAX_NAMES = 6
"""How many entries of a file a message names."""


def select(file: SavedFile, requested: Mapping[str, str], compared_with: Sequence[Spec | Entry]) -> Entry:
    """The entry of a file that is meant.

    By its name: the one behind the ``#``, else that of the first model beside which it stands, else the only one there
    is. Then by the settings behind the ``#``, and those that are given; then by that model's scale.

    Args:
        file: The file.
        requested: Settings that were asked for, as :func:`archprof.budgets.settings.parse_settings` has them.
        compared_with: What it is compared with, as far as that is known.

    Raises:
        UsageError: Where none is meant, or several are; with those that there are.
    """
    name, settings = _words(file.fragment)
    entries = _entries_of(file, name, compared_with)
    required = {
        **(requested if file.locked else {key: requested[key] for key in ("scale",) if key in requested}),
        **settings,
    }
    matches = [entry for entry in entries if all(entry.settings.get(key) == text for key, text in required.items())]
    if not matches:
        text = " ".join(f"{key}={text}" for key, text in required.items())
        raise UsageError(f"{file.path} has no {entries[0].variant} with {text}", hint=f"it has {_lines(entries)}")
    scales = [_scale_of(entry) for entry in compared_with]
    for narrow in (
        lambda entry: entry.settings.get("scale") in scales,
        lambda entry: entry.settings.keys() <= {*required, "scale"},
    ):
        if len(matches) > 1:
            matches = [entry for entry in matches if narrow(entry)] or matches
    if len(matches) > 1:
        hint = f"name one, as '{file.path}#{matches[0].line}', or by options; it has {_lines(matches)}"
        raise UsageError(f"{file.path} has {matches[0].variant} several times", hint=hint)
    return matches[0]


def _words(text: str) -> tuple[str, dict[str, str]]:
    """What stands behind the ``#``: a name, and settings."""
    settings = parse_settings(f" {text}")
    name = " ".join(text.split())
    for key, text in settings.items():
        name = name.replace(f"{key}={text}", "")
    return name.strip(), settings


def _entries_of(file: SavedFile, name: str, compared_with: Sequence[Spec | Entry]) -> list[Entry]:
    """The entries of one variant."""
    variants = list(dict.fromkeys(entry.variant for entry in file.entries))
    if not variants:
        raise UsageError(f"{file.path} has no models")
    for candidate in [name] if name else [_name_of(entry) for entry in compared_with]:
        matches = _matching(file, candidate, variants)
        if len(matches) == 1:
            return [entry for entry in file.entries if entry.variant == matches[0]]
        if name:
            hint = did_you_mean(name, variants) or f"it has {_listed(variants)}"
            raise UsageError(f"{file.path} has {'several' if matches else 'no'} {name!r}", hint=hint)
    if len(variants) == 1:
        return list(file.entries)
    hint = f"name one, as {file.path}#{variants[0]}; it has {_listed(variants)}"
    raise UsageError(f"{file.path} has several models", hint=hint)


def _matching(file: SavedFile, name: str, variants: Sequence[str]) -> list[str]:
    """The variants that a name may mean: the same path, else the same file in whichever folder."""
    folder = Path(file.path).parent
    same_file = [
        variant
        for variant in variants
        if variant == name or os.path.realpath(folder / variant) == os.path.realpath(name)
    ]
    return same_file or [
        variant for variant in variants if Path(variant).name == Path(name).name or Path(variant).stem == name
    ]


def _name_of(model: Spec | Entry) -> str:
    """The path of a YAML, without the revision that it is of; else what was typed."""
    if isinstance(model, Spec) and model.path:
        path = str(model.path)
        return path if model.path.is_file() else path.rpartition(":")[2]
    return getattr(model, "variant", "") or getattr(model, "reference", "")


def _scale_of(model: Spec | Entry) -> str | None:
    return model.scale if isinstance(model, Spec) else getattr(model, "settings", {}).get("scale")


def _lines(entries: Sequence[Entry]) -> str:
    return _listed([entry.line for entry in entries])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return "; ".join(names[:MAX_NAMES]) + more
