"""The keys that a project may set once for every command, each with the option that it stands for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.builder.options import sides_of
from archprof.sources.settings import COUNT, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Key(msgspec.Struct, frozen=True):
    """One key.

    Attributes:
        parameter: What commands call the option.
        test: Whether a value may be had.
        kind: The values that may be, in words.
        text: The value as the command line takes it.
        entry: Of a table, which of its values may be had, and what they are in words.
    """

    parameter: str
    test: Callable[[Any], bool]
    kind: str
    text: Callable[[Any], Any] = str
    entry: tuple[Callable[[Any], bool], str] | None = None

    def fault(self, value: Any) -> str | None:
        """What is wrong with a value, behind its key; None where nothing is."""
        if not self.test(value):
            return f"must be {self.kind}, not {value!r}"
        test, kind = self.entry or (lambda value: True, "")
        wrong = [(name, found) for name, found in value.items() if not test(found)] if self.entry else []
        return f"{wrong[0][0]!r} must be {kind}, not {wrong[0][1]!r}" if wrong else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(TEXT[0], value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value >= 0


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _assignments(table: Mapping[str, Any]) -> list[str]:
    import json  # which few projects need

    return [f"{key}={json.dumps(value, default=float)}" for key, value in table.items()]


EXCLUDE, FAMILIES = "exclude", "families"
"""Keys that no option has."""

PLUGINS = "plugins"
"""The key of what has to be loaded before anything is built."""

_TEXTS = (lambda value: TEXT[0](value) or _is_texts(value), "text, or a list of it")
_BOOL = (lambda value: isinstance(value, bool), "true or false", bool)

KEYS: Mapping[str, Key] = {
    PLUGINS: Key(PLUGINS, *_TEXTS, _listed),
    "no_plugins": Key("no_plugins", *_BOOL),
    "imgsz": Key("imgsz", lambda value: bool(sides_of(str(value))), 'a side or "HEIGHTxWIDTH"'),
    "input": Key("inputs", *_TEXTS, _listed),
    "batch": Key("batch", *COUNT),
    "channels": Key("channels", *COUNT),
    "nc": Key("nc", *COUNT),
    "set": Key(
        "settings",
        lambda value: isinstance(value, dict),
        "a table, as {kpt_shape = [21, 3]}",
        _assignments,
    ),
    "scale": Key("scale", *TEXT),
    "device": Key("device", *TEXT),
    "dtype": Key("dtype", *TEXT),
    "convention": Key("convention", *TEXT),
    "columns": Key("columns", *_TEXTS, lambda value: ",".join(_listed(value))),
    "jobs": Key("jobs", lambda value: type(value) is int and value >= 0, "a whole number from 0 up"),
    "time_limit": Key("time_limit", _is_number, "seconds", float),
    "memory_limit": Key("memory_limit", *TEXT),
    EXCLUDE: Key(EXCLUDE, *_TEXTS, _listed),
    FAMILIES: Key(
        FAMILIES,
        lambda value: isinstance(value, dict),
        'a table, as {"models/v13/*.yaml" = "yolov13"}',
        lambda value: [f"{pattern} = {family}" for pattern, family in value.items()],
        (TEXT[0], 'the name of a family in quotes, as "yolov13"'),
    ),
}
"""Every key, with the option that it sets, if there is one."""
