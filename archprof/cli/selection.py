"""What a command is about: references and options -> specs -> profiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archprof.cli.console import console
from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from archprof.budgets.checking import Profiler
    from archprof.pipeline import Means, Task
    from archprof.records.profile import Environment, Profile
    from archprof.sources.spec import Spec

ALL = "all"
"""What ``--scale`` calls every scale of the file."""


def parse_size(text: str | None) -> tuple[int, ...] | None:
    """``--imgsz 640`` or ``384x640`` -> one number or two; None stays None.

    Raises:
        UsageError: Where it is neither.
    """
    if text is None:
        return None
    from archprof.builder.options import sides_of

    if not (sides := sides_of(text)):
        raise UsageError(f"--imgsz {text!r} is no size", hint="give a side, as 640, or HEIGHTxWIDTH, as 384x640")
    return sides


def find_specs(reference: str, *, scale: str | None, nc: int | None, settings: Sequence[str]) -> list["Spec"]:
    """What a reference means with ``--scale``, ``--nc`` and ``--set``: one spec, or one for each scale.

    Raises:
        ArchprofError: Where there is no such model, or no such scale, or nothing to set so.
    """
    from archprof.sources import reference as references
    from archprof.sources import settings as values

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
        from archprof.builder.plugins import load_plugin

        for plugin in plugins:
            load_plugin(plugin)


def choose_detail(specs: Sequence["Spec"], wanted: str | None) -> str:
    """The details to show: those asked for, else rows where there are any, else modules."""
    from archprof.sources.spec import VariantSpec

    has_rows = isinstance(specs[0], VariantSpec)
    return "modules" if not has_rows and wanted in (None, "rows") else wanted or "rows"


def find_means(
    plugins: Sequence[str] | None,
    *,
    no_plugins: bool = False,
    jobs: int = 1,
    limit_time: float | None = None,
    limit_memory: str | None = None,
    details: bool = True,
) -> "Means":
    """What the options of the same names say that there is to profile with.

    Raises:
        UsageError: Where the memory is no amount of it.
    """
    from archprof.latency.processor import available_cpus
    from archprof.pipeline import Means

    return Means(
        plugins=tuple(plugins or ()),
        foreign=not no_plugins,
        details=details,
        jobs=jobs or available_cpus(),
        seconds=limit_time or None,
        memory_bytes=parse_memory(limit_memory),
    )


def parse_memory(text: str | None) -> int | None:
    """``4 GB`` -> bytes; None for no limit.

    Raises:
        UsageError: Where it is no amount of memory.
    """
    if text is None:
        return None
    from archprof.quantity import parse
    from archprof.units import Unit

    try:
        return int(parse(text, Unit.bytes).value) or None
    except ValueError as error:
        raise UsageError(f"--limit-memory {text!r}: expected {error}") from None


def profile_all(tasks: Sequence["Task"], means: "Means", *, every_scale: bool = False) -> list["Profile"]:
    """Profile each task, saying what is being done and what a reader of the figures should know.

    Args:
        tasks: What to profile.
        means: What to do it with.
        every_scale: Whether the command takes ``--scale all``.

    Raises:
        ArchprofError: The first that is met.
    """
    from archprof.pipeline import profile_all

    profiles = []
    for outcome in profile_all(tasks, means, console.working):
        if isinstance(outcome, ArchprofError):
            raise outcome
        profiles.append(outcome)
    remark(
        [task.spec for task in tasks],
        [profile.environment for profile in profiles],
        choice=" or all" if every_scale else "",
    )
    return profiles


def twins(models: Sequence[object], *, static: bool) -> list[bool]:
    """Which models ``--static`` means: those that are named again, beside themselves; all, where none is.

    Args:
        models: What was named.
        static: Whether the option was given.
    """
    again = [model in models[:place] for place, model in enumerate(models)]
    return [static and (twin or not any(again)) for twin in again]


def profiler(means: "Means") -> "Profiler":
    """What profiles several tasks, each for itself.

    Args:
        means: What to do it with.
    """
    from archprof.pipeline import profile_all

    return lambda tasks: profile_all(tasks, means, console.working)


def predict_all(profiles: Sequence["Profile"], device: str, threads: int | None = None) -> list["Profile"]:
    """The profiles with how long they should take here, where this computer was calibrated for their type of number.

    Args:
        profiles: What was profiled.
        device: Where they should: on a card, where that is named, else on the CPU.
        threads: How many threads to compute with; as many as torch takes of itself where they are not given.
    """
    import msgspec

    from archprof.latency import calibration_store, prediction

    found = {}
    predicted = []
    for profile in profiles:
        dtype = profile.input.dtype if "float" in profile.input.dtype else "float32"  # of tokens, the weights' type
        if dtype not in found:
            found[dtype] = calibration_store.find(calibration_store.this_device(dtype, device), threads)
        calibration = found[dtype]
        said = prediction.predict(profile, calibration) if calibration else None
        predicted.append(msgspec.structs.replace(profile, predicted=said))
    return predicted


def remark(specs: Sequence["Spec"], environments: Sequence["Environment"], *, choice: str = "") -> None:
    """Say what a reader of the figures should know, each thing once; to be called only once there are figures.

    Args:
        specs: What the figures are of.
        environments: Where they were made.
        choice: What ``--scale`` takes besides the scales.
    """
    from archprof.sources.spec import VariantSpec

    for spec in specs:
        if isinstance(spec, VariantSpec) and spec.scale_assumed and len(specs) == 1:
            console.note(f"scale {spec.scale} assumed; --scale chooses among {', '.join(spec.scales)}{choice}")
    for one in dict.fromkeys(one for environment in environments for one in environment.remarks):
        console.note(one)
