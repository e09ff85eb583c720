"""What a figure or a report is made of: saved results, and models that are profiled for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.cli import selection
from archprof.cli.console import console
from archprof.cli.option_groups import Model
from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.records.failure import Failure
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

SUFFIX = ".json"


@dataclass(frozen=True, kw_only=True)
class Making:
    """How records are made of the models among some references.

    Attributes:
        options: How models are built and run.
        plugins: What registers their blocks.
        conventions: What is reported beside the exact count.
        experts: Numbers of experts of a curve.
    """

    options: "Options"
    plugins: Sequence[str]
    conventions: tuple[str, ...] = ()
    experts: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What references mean.

    Attributes:
        saved: Results that were saved.
        specs: Models.
        failures: Those that have no result.
    """

    saved: list[Any]
    specs: "list[Spec]"
    failures: "list[Failure]"


def find(references: Sequence[str], model: Model) -> Inputs:
    """Read saved results, and find models.

    Raises:
        ArchprofError: Where a file is no result, or one reference alone means nothing.
    """
    from archprof.records.failure import Failure
    from archprof.records.saved import read
    from archprof.sweep.store import is_store
    from archprof.sweep.sweeping import tables

    names = selection.expand(references, (SUFFIX,))
    saved: list[Any] = []
    failures: list[Failure] = []
    others: list[str] = []
    for name in names:
        if name.endswith(SUFFIX):
            for record in read(Path(name)):
                (failures if isinstance(record, Failure) else saved).append(record)
        elif is_store(Path(name)):
            saved += tables(Path(name))
        else:
            others.append(name)
    if not others:
        _refuse_building()
    models = selection.find_models(others, model.find) if others else []
    specs, missing = selection.split(models)
    return Inputs(saved=saved, specs=specs, failures=[*failures, *missing])


def _refuse_building() -> None:
    """Refuse options of how models are built, where nothing is: a saved result is what it is.

    Raises:
        UsageError: Where one was typed.
    """
    names = (*(field.name for field in fields(Model)), "device", "backward")
    if options := [option for parameter, option in console.typed.items() if parameter in names]:
        message = f"{options[0]} changes nothing of saved results"
        raise UsageError(message, hint=f"leave out {options[0]}, or name the model instead of the file")


def profiles(inputs: Inputs, making: Making) -> "list[Profile]":
    """The profile of each model; those that fail are added to the failures, unless it is the only one.

    Raises:
        ArchprofError: Where the only model fails.
    """
    from archprof.pipeline import PredictionRequest, Request

    config = selection.execution_config(making.plugins)
    prediction = PredictionRequest(device=making.options.device)
    requests = [Request(spec, making.options, making.conventions, prediction=prediction) for spec in inputs.specs]
    if len(requests) == 1 and not inputs.saved:
        return selection.profile_all(requests, config, every_scale=True)
    results = selection.in_order(inputs.specs, selection.profile_each(requests, config))
    counted, failures = selection.split(results)
    inputs.failures.extend(failures)
    return counted


def memory(inputs: Inputs, making: Making) -> list[Any]:
    """The memory of each model's pass."""
    selection.prepare(inputs.specs, making.plugins)
    with console.working("loading torch"):
        from archprof.pipeline.memory_pass import memory_pass
    return [memory_pass(spec, making.options) for spec in inputs.specs]


def experts(inputs: Inputs, making: Making) -> list[Any]:
    """Each model with one number of experts after another."""
    from archprof.records.expert_curve import ExpertCurve

    selection.prepare(inputs.specs, making.plugins)
    with console.working("loading torch"):
        from archprof.pipeline.expert_sweep import curve
    curves = []
    for spec in inputs.specs:
        profile, sweep = curve(spec, making.options, making.experts, console)
        curves.append(ExpertCurve.of(profile, sweep))
    return curves


def comparison(inputs: Inputs, making: Making) -> list[Any]:
    """Each model, saved or not, compared with the first.

    Raises:
        UsageError: Where there is only one.
    """
    from archprof.render.full_report import comparisons

    subjects = [*inputs.saved, *profiles(inputs, making)]
    if not (pairs := comparisons(subjects)):
        raise UsageError("a change is between two models", hint="name two models, or a saved comparison")
    return pairs


def benchmark(inputs: Inputs, making: Making) -> list[Any]:
    """Nothing: what is measured takes its time, so that a figure is drawn of what was saved.

    Raises:
        UsageError: Where a model is named.
    """
    if inputs.specs:
        reference = inputs.specs[0].reference
        hint = f"measure first: archprof bench {reference} -o bench.json; then name bench.json"
        raise UsageError(f"{reference} is a model, and this figure is drawn of what was measured", hint=hint)
    return []


SOURCES: dict[str, Callable[[Inputs, Making], Sequence[Any]]] = {
    "profile": profiles,
    "memory": memory,
    "experts": experts,
    "comparison": comparison,
    "benchmark": benchmark,
}
"""What makes the records of models that a kind of figure draws."""
