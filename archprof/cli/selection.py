"""What a command is about: references and options -> specs -> profiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archprof.cli.console import console
from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.budgets.checking import Profiler
    from archprof.pipeline import ExecutionConfig, Request
    from archprof.records.profile import Environment, Profile
    from archprof.sources.spec import Spec


def parse_size(text: str | None) -> tuple[int, ...] | None:
    """``--imgsz 640`` or ``384x640`` -> one number or two; None stays None.

    Raises:
        UsageError: Where it is neither.
    """
    if text is None:
        return None
    from archprof.builder.options import sides_of

    if not (sides := sides_of(text)):
        raise UsageError(f"invalid size: --imgsz {text!r}", hint="give a side, as 640, or HEIGHTxWIDTH, as 384x640")
    return sides


def load_plugins(plugins: Sequence[str]) -> None:
    """Run the user's files or modules that register blocks.

    Raises:
        PluginError: Where one is not there, or raises.
    """
    if plugins:
        from archprof.builder import plugins as loading

        loading.load_plugins(plugins)


def choose_detail(specs: Sequence["Spec"], detail: str | None) -> str:
    """The details to show: those asked for, else rows where there are any, else modules."""
    has_rows = bool(specs[0].rows)
    return "modules" if not has_rows and detail in (None, "rows") else detail or "rows"


def execution_config(
    plugins: Sequence[str] | None,
    *,
    no_plugins: bool = False,
    jobs: int = 1,
    time_limit: float | None = None,
    memory_limit: str | None = None,
) -> "ExecutionConfig":
    """How models may be counted, as the options of the same names say.

    Raises:
        UsageError: Where the memory is no amount of it.
    """
    from archprof.latency.processor import available_cpus
    from archprof.pipeline import ExecutionConfig

    return ExecutionConfig(
        plugins=tuple(plugins or ()),
        allow_untrusted_code=not no_plugins,
        jobs=jobs or available_cpus(),
        time_limit_s=time_limit or None,
        memory_limit_bytes=parse_memory(memory_limit),
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
        raise UsageError(f"--memory-limit {text!r}: expected {error}") from None


def profile_all(
    requests: Sequence["Request"], config: "ExecutionConfig", *, every_scale: bool = False
) -> list["Profile"]:
    """Profile each model, saying what is being done and what a reader of the figures should know.

    Args:
        requests: What is wanted.
        config: How it may be counted.
        every_scale: Whether the command takes ``--scale all``.

    Raises:
        ArchprofError: The first that is met.
    """
    from archprof.pipeline import profiles_of

    profiles = profiles_of(requests, config, console)
    specs, environments = [request.spec for request in requests], [profile.environment for profile in profiles]
    remark(specs, environments, choice=" or all" if every_scale else "")
    return profiles


def profiler(config: "ExecutionConfig") -> "Profiler":
    """What answers several requests, each for itself.

    Args:
        config: How they may be counted.
    """
    from archprof.pipeline import profile_all

    return lambda requests: profile_all(requests, config, console)


def remark(specs: Sequence["Spec"], environments: Sequence["Environment"], *, choice: str = "") -> None:
    """Say what a reader of the figures should know, each thing once; to be called only once there are figures.

    Args:
        specs: What the figures are of.
        environments: Where they were made.
        choice: What ``--scale`` takes besides the scales.
    """
    for spec in specs:
        if spec.scale_assumed and len(specs) == 1:
            console.note(f"using scale {spec.scale} (the file's first); available: {', '.join(spec.scales)}{choice}")
    for text in dict.fromkeys(text for environment in environments for text in environment.remarks):
        console.note(text)
