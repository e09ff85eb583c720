"""The JSON Schema of a budget file, for editors: TOML of this shape, there or under ``[tool.archprof]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.budgets.budget import Level
from archprof.budgets.project_keys import KEYS
from archprof.budgets.read import LOCK
from archprof.budgets.settings import SETTINGS
from archprof.quantity import EXAMPLES
from archprof.records.metrics import LATENCY, NAMED, find_metric
from archprof.records.schema import DRAFT

if TYPE_CHECKING:
    from archprof.records.metrics import Metric

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}]}
_VERDICT = {
    "level": {"enum": [level.value for level in Level], "description": "What happens if the budget fails."},
    "message": {"type": "string", "description": "The message to show if it fails."},
}


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12). What amounts may look like is left to archprof itself."""
    metrics = {name: _rule(metric) for name, metric in NAMED.items()}
    latency = _rule(find_metric(LATENCY))
    entry = {
        "type": "object",
        "required": ["variants"],
        "additionalProperties": False,
        "properties": {
            "variants": {**_TEXTS, "description": "Paths, globs over paths, or references of other kinds."},
            **{name: {**setting.schema, "description": setting.kind} for name, setting in SETTINGS.items()},
            **_VERDICT,
            **metrics,
            LATENCY: latency,
        },
        "patternProperties": {f"^{LATENCY}/[^/]+/[^/]+$": latency},
    }
    return {
        "$schema": DRAFT,
        "title": "archprof budgets",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "budgets": {"type": "array", "items": entry},
            "lock": {**_TEXT, "default": LOCK, "description": "The lock file, by this file's folder."},
            **{name: {"description": f"For every other command: {key.kind}."} for name, key in KEYS.items()},
            "plugins": {**_TEXTS, "description": "Files and modules that register blocks."},
        },
    }


def _rule(metric: Metric) -> dict[str, Any]:
    amount = {"type": ["string", "number"], "description": f"As {EXAMPLES[metric.unit]}."}
    share = {**amount, "description": f"As {EXAMPLES[metric.unit]}, or 1.5 %."}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {"max": amount, "min": amount, "max_increase": share, "floor": share, **_VERDICT},
    }
