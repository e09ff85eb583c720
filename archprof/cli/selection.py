"""What a command is about: references and options -> specs -> profiles."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from archprof.cli.console import console
from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from archprof.budgets.checking import Profiler
    from archprof.pipeline import ExecutionConfig, Request
    from archprof.records.audit import AuditResult
    from archprof.records.failure import Failure
    from archprof.records.profile import Environment, Profile
    from archprof.sources.spec import Spec

T = TypeVar("T")

R = TypeVar("R")
"""A result of one model."""


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


def prepare(specs: Sequence["Spec"], plugins: Sequence[str], *, no_plugins: bool = False) -> None:
    """Run the user's plugins, once everything is refused that can be refused without torch.

    Raises:
        UsageError: Where code that is not installed would run, and may not.
        ArchprofError: Where a plugin is not there, or raises, or a model does not exist.
    """
    from archprof.errors import PluginError
    from archprof.sources.usercode import require

    execution_config(plugins, no_plugins=no_plugins)
    if no_plugins and (own := [spec.reference for spec in specs if not spec.trusted]):
        raise UsageError(f"--no-plugins refuses to run {', '.join(own)}")
    for plugin in plugins:
        require(plugin, PluginError)
    for spec in specs if len(specs) == 1 else ():  # of several, one that does not exist is a row
        if not plugins and (error := spec.missing()):  # a plugin may add a model
            raise error
    load_plugins(plugins)


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
        UsageError: Where the amount of memory is invalid.
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
        UsageError: Where the amount is invalid.
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


def expand(references: Sequence[str], suffixes: tuple[str, ...] = ()) -> list[str]:
    """References with folders, patterns and ``-`` replaced by the models in them; what is left out of these is said.

    Args:
        references: What was typed.
        suffixes: The endings of other files that a pattern may match.

    Raises:
        ArchprofError: Where a folder or a pattern has no model.
    """
    from archprof.budgets import project
    from archprof.sources import expansion

    exclusion = project.exclusion(Path.cwd())
    try:
        expanded = expansion.expand([name for text in references for name in _names(text)], suffixes, exclusion)
    except expansion.ExcludedError as error:
        error.hint = exclusion.origin
        raise
    for file, reason in expanded.left_out.items():
        console.note(f"left out {file}: {reason}")
    return list(expanded.references)


def _names(reference: str) -> list[str]:
    """What a reference stands for: ``-`` is the lines of stdin, of which empty ones and comments (``#``) are none.

    Raises:
        UsageError: Where stdin has no name.
    """
    if reference != "-":
        return [reference]
    lines = [line.strip() for line in sys.stdin]
    if not (names := [line for line in lines if line and not line.startswith("#")]):
        raise UsageError(
            "no model on stdin", hint="give one reference a line, as: ls models/*.yaml | archprof summary -"
        )
    return names


def split(models: Sequence["T | Failure"]) -> tuple[list["T"], list["Failure"]]:
    """Those that have a result, and those that failed."""
    from archprof.records.failure import Failure

    failures = [model for model in models if isinstance(model, Failure)]
    return [model for model in models if not isinstance(model, Failure)], failures


def find_models(
    references: Sequence[str], find: Callable[[str], list["T"]], suffixes: tuple[str, ...] = ()
) -> list["T | Failure"]:
    """What references mean, each at one scale or at all of them. Of several, one that cannot be read is a failure.

    Args:
        references: What was typed.
        find: What one reference means.
        suffixes: The endings of other files than models that a pattern may match.

    Raises:
        ArchprofError: Where there is one reference alone, and it means nothing.
    """
    from archprof.records.failure import Failure

    names = expand(references, suffixes)
    models: list[T | Failure] = []
    for name in names:
        try:
            models += find(name)
        except ArchprofError as error:
            if len(names) == 1:
                raise
            models.append(Failure(reference=name, error=str(error)))
    return models


def specs_of(models: Sequence["Spec | Failure"]) -> list["Spec"]:
    """Those of :func:`find_models` that were found.

    Raises:
        ArchprofError: Where there are none.
    """
    from archprof.records.failure import Failure

    specs = [model for model in models if not isinstance(model, Failure)]
    if not specs:
        reasons = [model.error for model in models if isinstance(model, Failure)]
        raise ArchprofError(f"none of the {len(reasons)} models can be read", hint="\n".join(reasons))
    return specs


def in_order(models: Sequence["Spec | Failure"], outcomes: Sequence["R | ArchprofError"]) -> list["R | Failure"]:
    """The result of each of :func:`find_models`, a failure where there is none.

    Args:
        models: What was found.
        outcomes: What came of those that are no failures, in the same order.
    """
    from archprof.records.failure import Failure

    results: list[R | Failure] = []
    remaining = iter(outcomes)
    for model in models:
        if isinstance(model, Failure):
            results.append(model)
            continue
        outcome = next(remaining)
        if isinstance(outcome, ArchprofError):
            results.append(Failure(reference=model.reference, scale=model.scale, error=str(outcome)))
        else:
            results.append(outcome)
    return results


def each(specs: Sequence["Spec"], work: Callable[["Spec"], R]) -> list["R | ArchprofError"]:
    """What comes of each model, or what was wrong with it."""
    outcomes: list[R | ArchprofError] = []
    for spec in specs:
        try:
            outcomes.append(work(spec))
        except ArchprofError as error:
            outcomes.append(error)
    return outcomes


def conclude(results: Sequence[object]) -> None:
    """End a command on several models as the worst of them has it.

    Raises:
        ArchprofError: Where one failed.
    """
    _, failures = split(results)
    if failures:
        names = ", ".join(dict.fromkeys(failure.reference for failure in failures))
        raise ArchprofError(f"{len(failures)} of {len(results)} models failed: {names}")


def require_base(models: Sequence["T | Failure"]) -> None:
    """See to it that there is a first model, which the others are compared with, and another.

    Raises:
        ArchprofError: Where there is none.
    """
    from archprof.records.failure import Failure

    base, *others = models
    if isinstance(base, Failure):
        raise ArchprofError(base.error, hint=f"the others are compared with {base.reference}, so nothing can be shown")
    failures = [model.error for model in others if isinstance(model, Failure)]
    if others and len(failures) == len(others):
        raise ArchprofError("\n".join(failures))


def profile_each(requests: Sequence["Request"], config: "ExecutionConfig") -> list["Profile | ArchprofError"]:
    """As :func:`profile_all` for several models, each of which may fail by itself."""
    from archprof.pipeline import profile_all

    outcomes = profile_all(requests, config, console)
    remark_each([request.spec for request in requests], outcomes)
    return outcomes


def remark_each(specs: Sequence["Spec"], outcomes: Sequence["Profile | AuditResult | ArchprofError"]) -> None:
    """As :func:`remark`, of those models that have figures."""
    pairs = [
        (spec, outcome.environment)
        for spec, outcome in zip(specs, outcomes, strict=True)
        if not isinstance(outcome, ArchprofError)
    ]
    remark([spec for spec, _ in pairs], [environment for _, environment in pairs])


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
    about: dict[str, list[str]] = {}
    for index, environment in enumerate(environments):
        for sentence in environment.remarks:
            about.setdefault(sentence, []).append(specs[index].name)
    for sentence, names in about.items():
        models = dict.fromkeys(names)
        everywhere = len(names) == len(environments)
        console.note(sentence if everywhere else f"{', '.join(models)}: {sentence}")
