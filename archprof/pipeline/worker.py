"""Answers one request, here or in the process that imported it: torch is loaded, and all blocks are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.stock import register_stock
from archprof.cache import code_files
from archprof.errors import ArchprofError
from archprof.pipeline import circumstances, composition, counting
from archprof.sources import families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.request import Request
    from archprof.records.profile import Profile

Outcome = tuple["Profile | ArchprofError", dict[str, str] | None]
"""A profile, or what was wrong; and the files of code that it came from, where they can be told."""


def count(request: Request, plugins: Sequence[str] = ()) -> Outcome:
    """Build, run and count what is wanted: of a variant's rows those that are not known, or the whole.

    Args:
        request: What is wanted.
        plugins: The files or modules that registered blocks here.
    """
    try:
        profile = composition.count(request, plugins) or counting.profile_spec(
            request.spec, request.build, request.conventions, level=request.level
        )
    except ArchprofError as error:
        return error, None
    files = code_files.used(families.outermost_packages())
    composition.write(files)
    return profile, files


# Here, so that workers that are forked once this is imported find it done.
register_stock()
circumstances.versions()
