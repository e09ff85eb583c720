"""A plan in a TOML file: what is varied, and which of it is taken. Every mistake is one message with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets import toml_file
from archprof.budgets.toml_lines import Lines
from archprof.errors import PlanFileError, UsageError, did_you_mean
from archprof.records.schema import DRAFT
from archprof.sources.settings import COUNT
from archprof.sweep.values import parse_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan file says.

    Attributes:
        reference: The model; None where the command line names it.
        axes: The values of each axis, by its name.
        where: Conditions.
        sample: How many of the combinations are taken.
        seed: Which of them.
        origins: The file and the line of each axis, of each condition and of the model, by its path in the file.
    """

    reference: str | None = None
    axes: dict[str, list[Any]] = msgspec.field(default_factory=dict)
    where: list[str] = msgspec.field(default_factory=list)
    sample: int | None = None
    seed: int = 0
    origins: dict[str, tuple[Path, int | None]] = msgspec.field(default_factory=dict)


_TEXT = {"type": "string", "minLength": 1}
_KEYS: dict[str, dict[str, Any]] = {
    "reference": {**_TEXT, "description": "The model, as on the command line."},
    "vary": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "minItems": 2}]},
        "description": 'The values of each axis: a list, or text such as "320:640:64".',
    },
    "where": {
        "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        "description": 'Conditions, as "flops < 8 G" or "imgsz >= 480".',
    },
    "sample": {"type": "integer", "minimum": 1, "description": "How many of the combinations are taken."},
    "seed": {"type": "integer", "minimum": 0, "description": "Which of them."},
}
"""What may stand in a plan, with its schema."""

_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "reference": (lambda value: isinstance(value, str), "text"),
    "vary": (lambda value: isinstance(value, dict), "a table"),
    "where": (lambda value: all(isinstance(text, str) for text in _texts(value)), "text or a list of texts"),
    "sample": COUNT,
    "seed": (lambda value: type(value) is int and value >= 0, "a whole number"),
}
"""What each key must be: the test, and the kind in words."""


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a plan file, for editors."""
    return {
        "$schema": DRAFT,
        "title": "archprof sweep plan",
        "type": "object",
        "additionalProperties": False,
        "required": ["vary"],
        "properties": _KEYS,
    }


def read(path: Path) -> PlanFile:
    """What a plan file says.

    Raises:
        PlanFileError: Where it cannot be read, or says something that makes no sense.
    """
    data, text = toml_file.load(path, PlanFileError)
    lines = Lines(text)

    def refusal(key: str, message: str, hint: str | None = None) -> PlanFileError:
        return PlanFileError(message, path=path, line=lines.of(key), hint=hint)

    for key, value in data.items():
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS) or f"a plan has {', '.join(_KEYS)}"
            raise refusal(key, f"unknown key {key!r}", hint)
        test, kind = _KINDS[key]
        if not test(value):
            raise refusal(key, f"{key} must be {kind}, not {value!r}")
    axes = {}
    for name, values in data.get("vary", {}).items():
        try:
            axes[name] = parse_values(name, values) if isinstance(values, str) else values
        except UsageError as error:
            raise refusal(f"vary.{name}", error.message, error.hint) from None
        if not isinstance(axes[name], list):
            raise refusal(f"vary.{name}", f"{name} must be a list or a text such as '320:640:64', not {values!r}")
    where = _texts(data.get("where", []))
    parts = ["reference", *(f"vary.{name}" for name in axes), *(f"where[{index}]" for index in range(len(where)))]
    return PlanFile(
        reference=data.get("reference"),
        axes=axes,
        where=where,
        sample=data.get("sample"),
        seed=data.get("seed", 0),
        origins={part: (path, lines.of(part)) for part in parts},
    )
