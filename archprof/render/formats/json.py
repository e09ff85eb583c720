"""JSON: the record as it is saved. Options that cut or sort a table change nothing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Report


def render(report: Report, page: Page) -> str:
    """Indented JSON, keys in the order of the fields."""
    return msgspec.json.format(msgspec.json.encode(report.record), indent=2).decode() + "\n"
