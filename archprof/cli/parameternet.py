"""``archprof parameternet``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, Written
from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.latency.experiment import Benched, Protocol
    from archprof.latency.measure import Target
    from archprof.pipeline import Means, Task
    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.sources.spec import Spec


Experts = Annotated[
    str | None,
    o.option("--experts", metavar="M,M,...", help="Rebuild it with each number of experts, one line each."),
]
WhatIf = Annotated[
    str | None,
    o.option(
        "--what-if",
        metavar="all|strided|PATTERN",
        help="Make further convolutions dynamic, those of --experts, and rank them.  [experts: 4]",
    ),
]
Latency = Annotated[
    bool, o.option("--latency", help="Measure how long the model and its static twin take, in one experiment.")
]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Only so many lines of the ranking.")]

TOP = 20
"""Lines of a ranking unless somebody asks for more."""

EXPERTS = 4
"""What the paper, and the code published with it, give a dynamic convolution."""


@command
def parameternet(
    reference: o.Reference,
    *,
    model: ModelAtOneScale,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    experts: Experts = None,
    what_if: WhatIf = None,
    top: Top = TOP,
    latency: Latency = False,
    sampling: la.Sampling,
    written: Written,
) -> None:
    """Set what ParameterNet promises of dynamic convolutions beside what runs, layer by layer."""
    from archprof.pipeline import Task
    from archprof.render import View
    from archprof.render.parameternet import FORMATS

    destinations = written.plan()
    model.refuse_several("this analysis")
    numbers = parse_experts(experts)
    options = model.options(device=device)
    specs = model.find(reference)
    if latency and (experts or what_if):
        raise UsageError("--latency is of the model as it is", hint="leave out --experts and --what-if")
    if what_if is not None:
        selection.load_plugins(plugins or [])
        mix(specs, options, what_if, numbers or [EXPERTS], View(top=top), destinations)
        return
    if numbers is not None:
        selection.load_plugins(plugins or [])
        rebuild(specs, options, numbers, destinations)
        return
    means = selection.find_means(plugins)
    measured = la.plan(options, means.plugins, sampling, models=2) if latency else None
    task = Task(specs[0], options)
    counted, benched = selection.profile_all([task], means), None
    if measured and counted[0].parameternet:
        counted[0], benched = measure_twin(counted[0], task, *measured)
    place = la.device_of(options, measured)
    (profile,) = selection.predict_all(counted, place, sampling.threads)
    twin = predicted_twin(profile, task, means, place, sampling.threads)
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](profile, view, twin), View())
    if benched:
        la.conclude(benched)


def twin_of(task: "Task") -> "Task":
    """The task of the static twin."""
    from archprof.pipeline import Task

    return Task(task.spec, replace(task.options, static=True))


def predicted_twin(
    profile: "Profile", task: "Task", means: "Means", device: str, threads: int | None
) -> "Profile | None":
    """The profile of the static twin, where there is one and this computer was calibrated to say how long both take."""
    if profile.parameternet is None or profile.predicted is None:
        return None
    (twin,) = selection.profiler(means)([twin_of(task)])
    return None if isinstance(twin, ArchprofError) else selection.predict_all([twin], device, threads)[0]


def measure_twin(
    profile: "Profile", task: "Task", targets: "Sequence[Target]", protocol: "Protocol"
) -> "tuple[Profile, Benched]":
    """The profile with how long the model and its static twin take, measured against each other.

    Raises:
        KeyboardInterrupt: Where it was interrupted before anything was measured.
        RunError: Where neither could be measured.
    """
    from msgspec import structs

    from archprof.records.parameternet import TwinLatency

    (static, dynamic), benched = la.measure([twin_of(task), task], [profile, profile], targets, protocol)
    found = TwinLatency(
        dynamic=dynamic.latency[0],
        static=static.latency[0],
        comparison=benched.comparisons[0] if benched.comparisons else None,
    )
    said = profile.parameternet
    assert said is not None  # it is what the twin is of
    said = structs.replace(said, model=structs.replace(said.model, latency=found))
    return structs.replace(profile, environment=dynamic.environment, parameternet=said), benched


def parse_experts(text: str | None) -> list[int] | None:
    """``--experts 1,2,4`` -> the numbers, each once; None stays None.

    Raises:
        UsageError: Where something else stands there.
    """
    if text is None:
        return None
    pieces = [piece.strip() for piece in text.split(",")]
    for piece in pieces:
        if not piece.isdecimal() or int(piece) < 1:
            raise UsageError(
                f"--experts {text!r}: {piece!r} is no number of experts", hint="whole numbers from 1 up, as 1,2,4,8"
            )
    return list(dict.fromkeys(map(int, pieces)))


def mix(
    specs: "Sequence[Spec]",
    options: "Options",
    wanted: str,
    experts: list[int],
    view: "View",
    destinations: "list[output.Destination]",
) -> None:
    """Profile a model with further convolutions made dynamic.

    Raises:
        UsageError: Where there are several numbers of experts, or nothing is chosen.
    """
    if len(experts) > 1:
        raise UsageError("--what-if takes one number of experts", hint=f"--experts {experts[0]}")
    with console.working("loading torch"):
        from archprof.parameternet.whatif import what_if
    from archprof.render.whatif import FORMATS

    with console.working(f"profiling {specs[0].name} as it is, and with dynamic convolutions"):
        profile, found = what_if(specs[0], options, wanted, experts[0])
    selection.remark(specs, [profile.environment])
    output.deliver(destinations, lambda chosen, fitted: FORMATS[chosen](profile, found, fitted), view)


def rebuild(
    specs: "Sequence[Spec]", options: "Options", experts: list[int], destinations: "list[output.Destination]"
) -> None:
    """Profile a model with each number of experts."""
    with console.working("loading torch"):
        from archprof.parameternet.expert_sweep import curve
    from archprof.render import View
    from archprof.render.curve import FORMATS

    profile, found = curve(specs[0], options, experts, console.working)
    selection.remark(specs, [profile.environment])
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](profile, found, view), View())
