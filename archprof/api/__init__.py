"""The functions of the Python interface: what each command does, with its options as keyword arguments.

Every result is a record: it has a short repr, ``to_dict()``, ``to_json()``, ``to_pandas()``, and shows itself in a
notebook. Nothing is cached, and nothing is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.api.budgets import check, within
from archprof.api.models import BuildOptions, ModelOptions, choose, image_for, module_of
from archprof.api.project import in_project
from archprof.api.reporting import report
from archprof.api.sweeping import sweep
from archprof.builder.options import COUNTER_SECONDS, EXPERTS, device_name
from archprof.errors import UsageError
from archprof.pipeline import profiles_of
from archprof.records.profile import Profile
from archprof.records.record import present_with
from archprof.render.presentation import present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from torch import Tensor

    from archprof.api.models import Choice
    from archprof.pipeline import Request
    from archprof.records.audit import AuditResult
    from archprof.records.benchmark import Benchmark
    from archprof.records.claim_result import ClaimResult
    from archprof.records.comparison import Comparison
    from archprof.records.parameternet import ExpertSweep, WhatIf
    from archprof.records.suggestion import Suggestion
    from archprof.records.variation import Variation

__all__ = [
    "audit",
    "bench",
    "check",
    "claims",
    "compare",
    "parameternet",
    "profile",
    "report",
    "suggest",
    "sweep",
    "within",
]

present_with(present)


@in_project
def profile(
    model: Any,
    inputs: Tensor | tuple[Any, ...] | Mapping[str, Any] | None = None,
    *,
    conventions: Sequence[str] = (),
    latency: bool = False,
    **options: Unpack[BuildOptions],
) -> Profile:
    """Build a model, run it once and count what ran: what ``archprof summary`` shows.

    Args:
        model: A reference (``"yolo11n.yaml"``, ``"timm:resnet50"``), a spec, a ``torch.nn.Module`` with its inputs, or
            an Ultralytics ``YOLO`` object. A module is left as it was found.
        inputs: What a module's forward takes: a tensor, the tuple of its positional arguments, or the mapping of its
            keyword arguments. Of a reference, see :class:`ModelOptions`.
        conventions: Conventions that are reported beside the exact count, such as "fvcore".
        latency: Whether to measure a reference's latency, too.
        options: See :class:`BuildOptions`.

    Raises:
        ArchprofError: Where there is no such model, it cannot be built, or does not run on the input.
    """
    module = module_of(model)
    if module is None:
        choice = choose({**options, "inputs": inputs})
        requests = [choice.request(model, conventions)]
        profiles = _measured(choice, requests).profiles if latency else profiles_of(requests, choice.config)
        return profiles[0]
    from archprof.pipeline.counting import profile_module

    for name in options.keys() - {"backward", "imgsz", "batch", "channels"}:
        raise UsageError(f"{name}= is for references; this module is built already")
    example = image_for(module, options) if inputs is None else inputs
    return profile_module(module, example, backward=options.get("backward", False), conventions=conventions)


@in_project
def compare(
    *models: Any, depth: int = 3, x: str = "flops", y: str = "parameters", **options: Unpack[ModelOptions]
) -> Comparison:
    """What changed between models, row by row, and what accounts for it: what ``archprof compare`` shows.

    Args:
        models: The base first: references, ``REV:FILE.yaml``, saved files, or profiles.
        depth: The depth of the module tree where there are no rows.
        x: The metric of one axis of the Pareto front.
        y: That of the other.
        options: See :class:`ModelOptions`.

    Raises:
        ArchprofError: Where there are fewer than two, or one of them cannot be counted.
    """
    from archprof.budgets.comparison_inputs import find, inputs_of
    from archprof.compare.comparing import compare as compare_models

    choice = choose(options)
    named = [find(model, choice.selection) for model in models if isinstance(model, str)]
    named_inputs = inputs_of(named, choice.selection, choice.build)
    resolved = iter(named_inputs.models)
    inputs = replace(
        named_inputs,
        references=models,
        models=[next(resolved) if isinstance(model, str) else model for model in models],
    )
    counted = inputs.counted(lambda requests: profiles_of(requests, choice.config))
    names = inputs.labels([model if isinstance(model, str) else _name(model) for model in models])
    return compare_models(counted, names=names, depth=depth, x=x, y=y)


@in_project
def bench(
    *models: str,
    backends: Sequence[str] = ("eager",),
    devices: Sequence[str] = ("auto",),
    threads: int | None = None,
    max_time: float | None = None,
    layers: bool = False,
    seed: int = 0,
    **options: Unpack[ModelOptions],
) -> Benchmark:
    """How long models take, several against the first in one paired experiment: what ``archprof bench`` measures.

    Args:
        models: References.
        backends: "eager", "compile", "torchscript", "onnxruntime", "openvino".
        devices: "auto", "cpu", "cuda", "cuda:N".
        threads: CPU threads.
        max_time: Seconds of sampling at most; 10, and 60 for several models.
        layers: Whether to split the time over rows and operations, too.
        seed: Of the execution order.
        options: See :class:`ModelOptions`.

    Raises:
        ArchprofError: Where a model cannot be built, or nothing could be measured.
    """
    from archprof.sources.selection import twins

    if not models:
        raise UsageError("there is nothing to measure", hint="archprof.bench('yolo11n.yaml')")
    if layers and "eager" not in backends:
        raise UsageError("layers= looks into eager PyTorch", hint="add 'eager' to backends=")
    choice = choose(options, threads)
    requests = [choice.request(model) for model in models]
    static = twins([request.spec for request in requests], static=choice.build.static)
    requests = [
        msgspec.structs.replace(request, build=replace(request.build, static=is_static))
        for request, is_static in zip(requests, static, strict=True)
    ]
    return _measured(
        choice,
        requests,
        backends=backends,
        devices=devices,
        threads=threads,
        max_time=max_time,
        layers=layers,
        seed=seed,
    )


def _measured(
    choice: Choice,
    requests: Sequence[Request],
    *,
    backends: Sequence[str] = ("eager",),
    devices: Sequence[str] = ("auto",),
    threads: int | None = None,
    max_time: float | None = None,
    layers: bool = False,
    seed: int = 0,
) -> Benchmark:
    from archprof.builder.plugins import load_plugins
    from archprof.errors import RunError
    from archprof.latency.backends.interface import Settings
    from archprof.latency.experiment import Protocol
    from archprof.latency.measure import choose_targets
    from archprof.latency.sampler import Plan, longest_of
    from archprof.pipeline.measuring import Measurement, measure_all

    load_plugins(choice.config.plugins)  # which may register backends, too
    settings = Settings(threads=threads)
    targets = choose_targets([device_name(name) for name in devices], list(backends), choice.build, settings)
    protocol = Protocol(settings=settings, plan=Plan(max_time=max_time or longest_of(len(requests))), seed=seed)
    measured = measure_all(requests, Measurement(targets=targets, protocol=protocol, layers=layers), choice.config)
    if not measured.experiment.sampled:
        latencies = [latency for entries in measured.experiment.latencies for latency in entries]
        error = next((latency.error for latency in latencies if latency.error), "interrupted")
        raise RunError(f"not measured: {error}")
    return measured.benchmark(seed)


@in_project
def audit(
    model: str, *, counters: Sequence[str] = (), time_limit: float = COUNTER_SECONDS, **options: Unpack[ModelOptions]
) -> AuditResult:
    """Other counters' figures, and how each differs from the exact count: what ``archprof audit`` shows.

    Args:
        model: A reference.
        counters: Some of those that ``archprof audit`` runs; all by default.
        time_limit: Seconds that each counter may take.
        options: See :class:`ModelOptions`.

    Raises:
        ArchprofError: Where the model cannot be counted, or there is no such counter.
    """
    from archprof.audit.auditing import audit_spec, check_names
    from archprof.builder.plugins import load_plugins

    choice = choose(options)
    plugins = choice.config.plugins
    load_plugins(plugins)  # which may register counters, too
    check_names(counters)
    return audit_spec(choice.spec(model), choice.build, counters=counters, plugins=plugins, time_limit=time_limit)


@in_project
def parameternet(
    model: str,
    *,
    experts: Sequence[int] | None = None,
    what_if: str | None = None,
    **options: Unpack[ModelOptions],
) -> Profile | tuple[Profile, ExpertSweep] | tuple[Profile, WhatIf]:
    """ParameterNet's predicted ratios beside measured ones: what ``archprof parameternet`` shows.

    Args:
        model: A reference.
        experts: Numbers of experts M that the model is rebuilt with; with ``what_if`` the one M.
        what_if: "all", "strided" or a pattern of module paths: the convolutions to make dynamic.
        options: See :class:`ModelOptions`.

    Returns:
        The profile, whose ``parameternet`` has the analysis; with ``experts`` also the curve over M, with ``what_if``
        the ranking.

    Raises:
        ArchprofError: Where the model cannot be counted, or does not take so many experts.
    """
    choice = choose(options)
    if what_if is not None or experts is not None:
        from archprof.builder.plugins import load_plugins

        load_plugins(choice.config.plugins)
    if what_if is not None:
        from archprof.pipeline.what_if import what_if as make_dynamic
        from archprof.suggest.ranking import ranked

        number, *more_numbers = experts or (EXPERTS,)
        if more_numbers:
            raise UsageError("what_if= takes one number of experts", hint=f"experts=[{number}]")
        counted, result = make_dynamic(choice.spec(model), choice.build, what_if, number)
        return counted, ranked(result)
    if experts is not None:
        from archprof.pipeline.expert_sweep import curve

        return curve(choice.spec(model), choice.build, experts)
    return profiles_of([choice.request(model)], choice.config)[0]


@in_project
def suggest(
    model: str,
    *,
    experts: Sequence[int] | None = None,
    maxima: Sequence[str] = (),
    minima: Sequence[str] = (),
    goal: str = "parameters",
    only: Sequence[str] = (),
    never: Sequence[str] = (),
    front: str | None = None,
    alternatives: int = 2,
    vary: str | None = None,
    multiple: int = 8,
    score: Callable[[Profile], float] | None = None,
    **options: Unpack[ModelOptions],
) -> Suggestion | Variation:
    """The best placement of experts under budgets, with a proof: what ``archprof suggest`` shows.

    Args:
        model: A reference.
        experts: Numbers of experts that a convolution may get: 2, 4 and 8 by default, with ``vary`` none.
        maxima: Upper limits, as "flops=+0.1%" or "weights=20MB".
        minima: Lower limits, as "parameters=+50%".
        goal: The metric to have the most of; the least, if less of it is better.
        only: Patterns of module paths: the convolutions that may be made dynamic. All by default.
        never: Patterns of those that may not.
        front: The metric of an upper limit over which a Pareto front is wanted.
        alternatives: How many of the next best answers are wanted.
        vary: What to vary instead of making convolutions dynamic, as "width=0.125,0.25,imgsz=320:640:32", "scale", or
            the channels of each row, "channels=0.5:1:0.25".
        multiple: With ``vary``, what channels are multiples of.
        score: What to have the most of instead of the goal: a function of a variant's profile. The answer is then a
            :class:`Variation`, without ``vary`` too: nothing bounds a function, so placements are counted.
        options: See :class:`ModelOptions`.

    Raises:
        ArchprofError: Where the model cannot be counted, or nothing meets the budgets; the message says which of them
            binds, and by how much.
    """
    from archprof.builder.plugins import load_plugins
    from archprof.suggest.request import SuggestionRequest

    request = SuggestionRequest(
        experts=tuple(experts) if experts else None,
        maxima=tuple(maxima),
        minima=tuple(minima),
        goal=getattr(score, "__name__", "score") if score else goal,
        score=score,
        only=tuple(only),
        never=tuple(never),
        front=front,
        alternatives=alternatives,
        vary=vary,
        multiple=multiple,
    )
    request.check()
    choice = choose(options)
    load_plugins(choice.config.plugins)
    return request.answer(choice.spec(model), choice.build, choice.config).record


@in_project
def claims(*names: str, plugins: Sequence[str] = ()) -> list[ClaimResult]:
    """Published figures, replayed: what ``archprof claims`` shows.

    Args:
        names: Claims files, families or variants; all of the zoo by default.
        plugins: Files or modules that register blocks.

    Raises:
        ArchprofError: Where a name means nothing.
    """
    from archprof.claims.catalogue import find_claims
    from archprof.claims.replay import replay
    from archprof.pipeline import ExecutionConfig

    config = ExecutionConfig(plugins=tuple(plugins))

    def count(request: Request) -> Profile:
        return profiles_of([request], config)[0]

    return list(replay(find_claims(list(names)), count))


def _name(model: Any) -> str:
    return model.variant.name if isinstance(model, Profile) else getattr(model, "reference", type(model).__name__)
