"""The whole result, for programs: its schema is ``archprof schema check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from archprof.records.check_result import Check
    from archprof.render import View


def render(check: Check, view: View) -> str:
    """Indented JSON, keys in the order of the fields."""
    return msgspec.json.format(msgspec.json.encode(check), indent=2).decode() + "\n"
