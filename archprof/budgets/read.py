"""A budget file: where it is, and what it says. Every mistake in it is one message with its line and key."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets import toml_file
from archprof.budgets.budget import Budget, BudgetFile, Level, Rule
from archprof.budgets.project_keys import EXCLUDE, KEYS
from archprof.budgets.settings import SETTINGS
from archprof.budgets.toml_lines import Lines
from archprof.errors import BudgetFileError, UsageError, did_you_mean
from archprof.quantity import parse
from archprof.records.metrics import LATENCY, NAMED, find_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN = "archprof.toml"
PYPROJECT = "pyproject.toml"
LOCK = "archprof.lock.json"

TOP = ("budgets", "lock", "plugins")
ENTRY = ("variants", "level", "message", *SETTINGS)
AMOUNTS = ("max", "min", "max_increase", "floor")
RULE = (*AMOUNTS, "level", "message")

_DEVICE = re.compile(r"cpu|cuda(:[0-9]+)?")


def find(folder: Path) -> Path:
    """The budget file of a folder: in it, or in the nearest folder above it that has one.

    Raises:
        BudgetFileError: Where there is none, or two of them in one folder.
    """
    for parent in (folder, *folder.absolute().parents):
        own = parent / OWN
        if not (own.is_file() or in_pyproject(parent)):
            continue
        if own.is_file() and in_pyproject(parent):
            message = f"budgets are in {OWN} and under [tool.archprof] of {PYPROJECT}; only one of them can be used"
            raise BudgetFileError(message, path=own, hint="move them into one file, or name one with --config")
        return Path(os.path.relpath(own if own.is_file() else parent / PYPROJECT))
    message = f"no {OWN}, and no [tool.archprof] in a {PYPROJECT}, here or in a folder above"
    below = sorted(
        path.relative_to(folder).as_posix() for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{OWN}")
    )
    if below:
        hint = f"there is {', '.join(below)}: archprof check --config {below[0]}"
        raise BudgetFileError(message, hint=hint)
    raise BudgetFileError(message, hint="archprof init writes first budgets")


def in_pyproject(folder: Path) -> bool:
    """Whether the folder has a ``pyproject.toml`` with budgets: what it says for every command alone is none.

    Raises:
        BudgetFileError: Where it cannot be read.
    """
    path = folder / PYPROJECT
    table = _tool(_load(path)[0]).get("archprof") if path.is_file() else None
    return table is not None and (not isinstance(table, dict) or not table or not table.keys() <= KEYS.keys())


def read(path: Path) -> BudgetFile:
    """What a budget file says; of a file called ``pyproject.toml`` what is under ``[tool.archprof]``.

    What a ``pyproject.toml`` beside an ``archprof.toml`` excludes, and its plugins, hold for the budgets too.

    Raises:
        BudgetFileError: Where it cannot be read, or says something that makes no sense.
    """
    file = Reader(path).file(path)
    beside = path.parent / PYPROJECT
    if path.name != OWN or not beside.is_file():
        return file
    project = Reader(beside).file(beside)
    return msgspec.structs.replace(
        file,
        plugins=tuple(dict.fromkeys((*project.plugins, *file.plugins))),
        exclude=tuple(dict.fromkeys((*project.exclude, *file.exclude))),
    )


def entry(name: str, **keys: Any) -> Budget:
    """An entry that stands in no file.

    Args:
        name: What to call it in messages.
        keys: Those of an entry; a metric may be given its ``max`` alone.

    Raises:
        BudgetFileError: Where a key is unknown, or a value makes no sense.
    """
    reader = Reader(None)
    bounds = {
        key: {"max": value} if key not in ENTRY and not isinstance(value, dict) else value
        for key, value in keys.items()
    }
    return reader.budget(0, _decimals(bounds), name)


def _load(path: Path) -> tuple[dict[str, Any], str]:
    # Decimals, because 8.2 is to be 8.2 and not the nearest binary fraction.
    return toml_file.load(path, BudgetFileError, Decimal)


def _tool(data: dict[str, Any]) -> dict[str, Any]:
    tool = data.get("tool")
    return tool if isinstance(tool, dict) else {}


class Reader:
    """One file being read; every error points into it."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        data, text = _load(path) if path else ({}, "")
        self.lines = Lines(text)
        if path and path.name == PYPROJECT:
            data = _tool(data).get("archprof", {})
        self.data = data

    def error(self, key_path: str, message: str, *, hint: str | None = None) -> BudgetFileError:
        """A mistake at a key, with its line."""
        text = f"{key_path}: {message}" if key_path else message
        return BudgetFileError(text, path=self.path, line=self.lines.of(key_path), hint=hint)

    def file(self, path: Path) -> BudgetFile:
        """The whole file."""
        data = self.table("", self.data, (*TOP, *KEYS))
        entries = data.get("budgets", [])
        if not isinstance(entries, list):
            raise self.error("budgets", "must be a list of tables, each under [[budgets]]")
        lock = data.get("lock", LOCK)
        if not isinstance(lock, str) or not lock.strip():
            raise self.error("lock", f"must be the path of a file, not {lock!r}")
        return BudgetFile(
            path=path,
            budgets=tuple(self.budget(index, item) for index, item in enumerate(entries)),
            lock=path.parent / lock,
            plugins=tuple(self.plugin(path.parent, item) for item in self.texts("plugins", data.get("plugins", []))),
            exclude=self.texts(EXCLUDE, data.get(EXCLUDE, [])),
        )

    def plugin(self, folder: Path, plugin: str) -> str:
        """A plugin that is there, if it is a file."""
        path = plugin_path(folder, plugin)
        if plugin.endswith(".py") and not os.path.exists(path):  # noqa: PTH110 - a folder may be unreadable
            raise self.error("plugins", f"no file {path!r}")
        return path

    def budget(self, index: int, data: Any, key_path: str | None = None) -> Budget:
        """One entry."""
        key_path = key_path or f"budgets[{index}]"
        latencies = [key for key in data if key.startswith(f"{LATENCY}/")] if isinstance(data, dict) else []
        self.table(key_path, data, [*ENTRY, *NAMED, LATENCY, *latencies])
        if "variants" not in data:
            raise self.error(key_path, "has no variants", hint='for example variants = "models/*.yaml"')
        variants = self.texts(f"{key_path}.variants", data["variants"])
        if not variants:
            raise self.error(f"{key_path}.variants", "is empty")
        level, message = self.verdict(key_path, data, Level.error)
        settings = {key: _floats(data[key]) for key in SETTINGS if key in data}
        for key, value in settings.items():
            if not SETTINGS[key].test(value):
                raise self.error(f"{key_path}.{key}", f"must be {SETTINGS[key].kind}, not {_quoted(value)}")
        if whole := [key for key in ("imgsz", "batch") if key in settings and "input" in settings]:
            raise self.error(f"{key_path}.{whole[0]}", "cannot be given with input, which gives complete shapes")
        rules = [key for key in data if key not in ENTRY]
        return Budget(
            variants=variants,
            settings=settings,
            rules=tuple(self.rule(f"{key_path}.{key}", key, data[key], level, message) for key in rules),
            level=level,
            message=message,
            index=index,
            line=self.lines.of(key_path),
        )

    def rule(self, key_path: str, name: str, data: Any, level: Level, message: str | None) -> Rule:
        """What an entry says of one metric."""
        try:
            metric = find_metric(name)
            self.check_latency(name)
        except UsageError as error:
            raise self.error(key_path, error.message, hint=error.hint) from None
        self.table(key_path, data, RULE, example='{ max = "3.0 M" }')
        level, message = self.verdict(key_path, data, level, message)
        amounts = {}
        for key in AMOUNTS:
            if key in data:
                try:
                    amounts[key] = parse(data[key], metric.unit, percent=key in ("max_increase", "floor"))
                except ValueError as error:
                    raise self.error(f"{key_path}.{key}", f"{_quoted(data[key])}: expected {error}") from None
        if not amounts.keys() - {"floor"} and level is not Level.off:
            raise self.error(key_path, "has no bound", hint="give it max, min or max_increase")
        if "floor" in amounts and "max_increase" not in amounts:
            raise self.error(f"{key_path}.floor", "needs max_increase")
        if not metric.exact and "max_increase" in amounts and ("floor" not in amounts or amounts["floor"].percent):
            message = "max_increase of a latency needs a floor: a few percent of very little are noise"
            raise self.error(key_path, message, hint='give the smallest increase that matters: floor = "0.2 ms"')
        if "max" in amounts and "min" in amounts and amounts["min"].value > amounts["max"].value:
            low, high = amounts["min"].text, amounts["max"].text
            raise self.error(key_path, f"min {low} is more than max {high}")
        return Rule(
            metric=metric, **amounts, level=level, message=message, key_path=key_path, line=self.lines.of(key_path)
        )

    def check_latency(self, name: str) -> None:
        """Refuse a latency of a device or a backend that there is none of, unless a plugin of the file may add it.

        Raises:
            UsageError: Where there is none.
        """
        from archprof.latency.backends import check_backend

        _, *rest = name.split("/")
        if rest and not _DEVICE.fullmatch(rest[0]):
            raise UsageError(f"unknown device {rest[0]!r}", hint="devices: cpu, cuda, cuda:N")
        if rest and not self.data.get("plugins"):
            check_backend(rest[1])

    def verdict(
        self, key_path: str, data: Mapping[str, Any], level: Level, message: str | None = None
    ) -> tuple[Level, str | None]:
        """The level and the message of an entry or a rule, those of what it stands in unless it has its own."""
        level_given, text = data.get("level", level), data.get("message", message)
        if level_given not in set(Level):
            hint = did_you_mean(str(level_given), Level)
            raise self.error(f"{key_path}.level", f"must be {', '.join(Level)}, not {_quoted(level_given)}", hint=hint)
        if text is not None and not isinstance(text, str):
            raise self.error(f"{key_path}.message", f"must be text, not {_quoted(text)}")
        return Level(level_given), text

    def table(self, key_path: str, data: Any, keys: Iterable[str], *, example: str = "") -> dict[str, Any]:
        """A table that has no other keys than the known ones."""
        if not isinstance(data, dict):
            raise self.error(
                key_path, f"must be a table{f' such as {example}' if example else ''}, not {_quoted(data)}"
            )
        for key in data:
            if key not in set(keys):
                dotted = next(
                    (name for name in keys if name.startswith(f"{key}.") and isinstance(data[key], dict)), None
                )
                hint = (
                    f'a key with a dot is in quotes: "{dotted}" = ...'
                    if dotted
                    else did_you_mean(key, keys) or f"keys: {', '.join(keys)}"
                )
                raise self.error(f"{key_path}.{key}".lstrip("."), "unknown key", hint=hint)
        return data

    def texts(self, key_path: str, value: Any) -> tuple[str, ...]:
        """Text, or a list of it."""
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise self.error(key_path, f"must be text or a list of it, not {_quoted(value)}")
        return tuple(items)


def plugin_path(folder: Path, plugin: str) -> str:
    """A plugin's file by the budget file's folder; a module's name as it is."""
    return str(folder / plugin) if plugin.endswith(".py") else plugin


def _decimals(value: Any) -> Any:
    """A value with the decimal numbers that a file would have, so that 1.1 is 1.1."""
    if isinstance(value, dict):
        return {key: _decimals(item) for key, item in value.items()}
    return Decimal(repr(value)) if isinstance(value, float) else value


def _floats(value: Any) -> Any:
    """A setting with the numbers that a YAML would have."""
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _quoted(value: Any) -> str:
    text = str(value).lower() if isinstance(value, (Decimal, bool)) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
