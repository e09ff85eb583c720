"""Counts one task, here or in the process that imported it: torch is loaded, and Ultralytics' blocks are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.plugins import load_plugin
from archprof.builder.stock import register_stock
from archprof.cache import code_files
from archprof.errors import ArchprofError
from archprof.pipeline import assembly, profiling
from archprof.sources import families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.task import Task
    from archprof.records.profile import Profile

Counted = tuple["Profile | ArchprofError", dict[str, str] | None]
"""A profile, or what was wrong; and the files of code that it came from, where they can be told."""


def load(plugins: Sequence[str]) -> None:
    """Run plugins, once each.

    Raises:
        PluginError: Where a plugin is not there, or raises.
        RegistrationError: Where it registers a block that is there already.
    """
    for plugin in plugins:
        load_plugin(plugin)


def count(task: Task, *, details: bool = True) -> Counted:
    """Profile a task, with its details or without."""
    try:
        profile = profiling.profile_spec(task.spec, task.options, details=details)
    except ArchprofError as error:
        return error, None
    return profile, code_files.used({family.package.partition(".")[0] for family in families.families().values()})


# Here, so that workers that are forked once this is imported find it done.
register_stock()
assembly.versions()
