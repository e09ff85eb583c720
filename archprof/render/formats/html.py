"""HTML: a page by itself, with figures, for a browser without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Report


def render(report: Report, page: Page) -> str:
    """The report as a page."""
    from archprof.render.page import render as render_page

    return render_page(report)
