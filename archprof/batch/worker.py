"""Counts one task, here or in the process that imported it: torch is loaded, and Ultralytics' blocks are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import assemble, profiling
from archprof.build.plugins import load_plugin
from archprof.build.stock import register_stock
from archprof.cache import sources
from archprof.errors import ArchprofError
from archprof.variant import zoo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.batch.task import Task
    from archprof.profiles import Profile

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
    return profile, sources.used({family.package.partition(".")[0] for family in zoo.families().values()})


# Here, so that workers that are forked once this is imported find it done.
register_stock()
assemble.versions()
