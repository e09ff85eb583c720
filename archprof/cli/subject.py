"""What a command is about: references and options -> specs -> profiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archprof.cli.console import console
from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from archprof.checking import Profiler
    from archprof.options import Options
    from archprof.profiles import Environment, Profile
    from archprof.variant.spec import Spec

ALL = "all"
"""What ``--scale`` calls every scale of the file."""


def parse_size(text: str | None) -> tuple[int, ...] | None:
    """``--imgsz 640`` or ``384x640`` -> one number or two; None stays None.

    Raises:
        UsageError: Where it is neither.
    """
    if text is None:
        return None
    from archprof.options import sides_of

    if not (sides := sides_of(text)):
        raise UsageError(f"--imgsz {text!r} is no size", hint="give a side, as 640, or HEIGHTxWIDTH, as 384x640")
    return sides


def find_specs(reference: str, *, scale: str | None, nc: int | None, settings: Sequence[str]) -> list["Spec"]:
    """What a reference means with ``--scale``, ``--nc`` and ``--set``: one spec, or one for each scale.

    Raises:
        ArchprofError: Where there is no such model, or no such scale, or nothing to set so.
    """
    from archprof.variant import reference as references
    from archprof.variant import settings as values

    changes = values.parse(settings)
    if nc is not None:
        changes["nc"] = nc
    if scale != ALL:
        return [values.apply(references.resolve(reference, scale=scale), changes)]
    scales = references.scales(reference)
    if not scales:
        raise UsageError(f"{reference} has no scales", hint="leave out --scale")
    return [values.apply(references.resolve(reference, scale=one), changes) for one in scales]


def load_plugins(plugins: Sequence[str]) -> None:
    """Run the user's files or modules that register blocks.

    Raises:
        PluginError: Where one is not there, or raises.
    """
    if plugins:
        from archprof.build.plugins import load_plugin

        for plugin in plugins:
            load_plugin(plugin)


def choose_detail(specs: Sequence["Spec"], wanted: str | None) -> str:
    """The details to show: those asked for, else rows where there are any, else modules."""
    from archprof.variant.spec import VariantSpec

    has_rows = isinstance(specs[0], VariantSpec)
    return "modules" if not has_rows and wanted in (None, "rows") else wanted or "rows"


def profile_all(specs: Sequence["Spec"], options: "Options", *, plugins: Sequence[str] = ()) -> list["Profile"]:
    """Profile each spec, saying what is being done and what a reader of the figures should know.

    Args:
        specs: What to profile.
        options: How to build and run them.
        plugins: The user's files or modules that register blocks.

    Raises:
        ArchprofError: The first that is met.
    """
    from archprof.batch import Means, Task, profile_all

    profiles = []
    for outcome in profile_all([Task(spec, options) for spec in specs], Means(plugins=plugins), console.working):
        if isinstance(outcome, ArchprofError):
            raise outcome
        profiles.append(outcome)
    remark(specs, [profile.environment for profile in profiles], choice=" or all")
    return profiles


def profiler(plugins: Sequence[str]) -> "Profiler":
    """What profiles several tasks, each for itself, as far as totals and rows.

    Args:
        plugins: The user's files or modules that register blocks.
    """
    from archprof.batch import Means, profile_all

    means = Means(plugins=plugins, details=False)
    return lambda tasks: profile_all(tasks, means, console.working)


def remark(specs: Sequence["Spec"], environments: Sequence["Environment"], *, choice: str = "") -> None:
    """Say what a reader of the figures should know, each thing once; to be called only once there are figures.

    Args:
        specs: What the figures are of.
        environments: Where they were made.
        choice: What ``--scale`` takes besides the scales.
    """
    from archprof.variant.spec import VariantSpec

    for spec in specs:
        if isinstance(spec, VariantSpec) and spec.scale_assumed and len(specs) == 1:
            console.note(f"scale {spec.scale} assumed; --scale chooses among {', '.join(spec.scales)}{choice}")
    for one in dict.fromkeys(one for environment in environments for one in environment.remarks):
        console.note(one)
