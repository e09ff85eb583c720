"""What a project says once for every command: the keys beside the budgets, in ``archprof.toml`` or ``pyproject.toml``.

A plugin that is named there runs as one on the command line does, so only the project's own file is read: the one in
the working folder, or in a folder above it up to the top of the git repository.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets.exclusion import Exclusion
from archprof.budgets.project_keys import EXCLUDE, FAMILIES, KEYS, PLUGINS
from archprof.budgets.read import OWN, PYPROJECT, TOP, Reader, plugin_path
from archprof.errors import BudgetFileError
from archprof.sources.assigned_families import Families, assigned

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT = ("config", "init")
"""Commands whose options go without: one shows the file, the other writes what `check` goes by."""

BUDGETED = ("check",)
"""Commands whose models are built as the budgets say."""

RUNNING = ("no_plugins", "jobs", "time_limit", "memory_limit")
"""Keys that say how models are counted, and not which, or what of them is shown."""


class Default(msgspec.Struct, frozen=True):
    """A value that holds unless the command line or the environment says otherwise.

    Attributes:
        key: Its key.
        parameter: What commands call the option.
        value: The value as the command line takes it.
        path: The file.
        line: Its line in the file.
    """

    key: str
    parameter: str
    value: Any
    path: Path
    line: int | None

    @property
    def origin(self) -> str:
        """Where it is set, for a message."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{self.key} is set in {place}{' ([tool.archprof])' if self.path.name == PYPROJECT else ''}"


def find(folder: Path) -> Reader | None:
    """The file of the project that a folder belongs to, parsed; None where it has none.

    Of two files in one folder it is the one that sets something: the other may have the budgets.

    Raises:
        BudgetFileError: Where a file cannot be read, or both of a folder set something.
    """
    folders = [folder, *folder.parents]
    # A folder above may be one that may not be read: pathlib raises there.
    top = next((index for index, parent in enumerate(folders) if os.path.exists(parent / ".git")), 0)  # noqa: PTH110
    for parent in folders[: top + 1]:
        files = [path for name in (OWN, PYPROJECT) if os.path.isfile(path := parent / name)]  # noqa: PTH113
        readers = [reader for path in files if (reader := Reader(Path(os.path.relpath(path)))).data]
        setting = [reader for reader in readers if reader.data.keys() & KEYS.keys()]
        if len(setting) > 1:
            message = f"{PYPROJECT} has a configuration under [tool.archprof], too; only one of them can be used"
            raise BudgetFileError(message, path=setting[0].path, hint="move everything into one file")
        if readers:
            return (setting or readers)[0]
    return None


def read(reader: Reader) -> list[Default]:
    """The values that a file sets, in its order.

    Raises:
        BudgetFileError: Where it has an unknown key, or a value makes no sense; with the line.
    """
    path = reader.path or Path()
    data = reader.table("", reader.data, (*TOP, *KEYS))
    defaults = []
    for name, value in data.items():
        if name in KEYS:
            key = KEYS[name]
            if fault := key.fault(value):
                raise reader.error(name, fault)
            text = key.text(value)
            if name == "plugins":
                text = [plugin_path(path.parent, plugin) for plugin in text]
            defaults.append(Default(name, key.parameter, text, path, reader.lines.of(name)))
    return defaults


def defaults_for(parameters: set[str], command: str, folder: Path) -> list[Default]:
    """The values for the options of one command.

    Args:
        parameters: What it calls its options.
        command: What it is called; ``check`` goes by the budgets, and takes its plugins from there.
        folder: The working folder.

    Raises:
        BudgetFileError: As for :func:`read`.
    """
    if command in WITHOUT or (reader := find(folder)) is None:
        return []
    entries = _read(reader)
    left_out = {key.parameter for name, key in KEYS.items() if name not in RUNNING} if command in BUDGETED else set()
    return [entry for entry in entries if entry.parameter in parameters and entry.parameter not in left_out]


def exclusion(folder: Path) -> Exclusion:
    """The files that the project of a folder leaves out of folders and patterns.

    Raises:
        BudgetFileError: As for :func:`read`.
    """
    entry = _entry(folder, EXCLUDE)
    return Exclusion(entry.path.parent, tuple(entry.value), entry.origin) if entry else Exclusion()


def plugins(folder: Path) -> list[str]:
    """The plugins of the project of a folder, files among them by the working folder.

    Raises:
        BudgetFileError: As for :func:`read`.
    """
    entry = _entry(folder, PLUGINS)
    return list(entry.value) if entry else []


@contextmanager
def families_assigned(folder: Path) -> Iterator[None]:
    """While it holds, files have the families that the project of a folder gives them.

    Raises:
        BudgetFileError: As for :func:`read`.
    """
    entry = _entry(folder, FAMILIES)
    pairs = dict(pair.rsplit(" = ", 1) for pair in entry.value) if entry else {}
    with assigned(Families(entry.path.parent if entry else Path(), pairs)):
        yield


def _entry(folder: Path, key: str) -> Default | None:
    reader = find(folder)
    return next((entry for entry in _read(reader) if entry.key == key), None) if reader else None


def _read(reader: Reader) -> list[Default]:
    try:
        return read(reader)
    except BudgetFileError as error:
        error.hint = "\n".join(filter(None, (error.hint, "archprof config shows what the file sets")))
        raise
