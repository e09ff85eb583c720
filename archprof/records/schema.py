"""The JSON Schemas of what is saved."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """The schema (draft 2020-12) of a struct, and of all that it holds.

    Args:
        kind: The struct.
        title: What to call it.
    """
    return {"$schema": DRAFT, "title": title, **_tidied(msgspec.json.schema(kind))}


def _tidied(schema: Any) -> Any:
    """The same with descriptions that are not indented, which docstrings are before Python 3.13."""
    if isinstance(schema, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _tidied(value)
            for key, value in schema.items()
        }
    return [_tidied(item) for item in schema] if isinstance(schema, list) else schema
