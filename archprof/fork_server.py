"""Processes that are forked from one which has imported what they need; where there is no fork, each imports it."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def context_with(preload: Sequence[str]) -> Any:
    """The context of multiprocessing for processes that need these modules."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def start(context: Any) -> None:
    """Start the process that others are forked from, which imports the modules while something else is done here."""
    if context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()
