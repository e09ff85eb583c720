"""``archprof suggest``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions
from archprof.errors import OutputError, UsageError, did_you_mean
from archprof.suggest.channels import MULTIPLE
from archprof.suggest.problem import ALTERNATIVES

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.latency.experiment import Benched
    from archprof.pipeline.measuring import Measurement
    from archprof.records.profile import Profile
    from archprof.records.suggestion import Suggestion
    from archprof.records.variation import Variation
    from archprof.suggest.frames import Model
    from archprof.suggest.request import Answer

Experts = Annotated[
    str | None,
    o.option(
        "--experts",
        metavar="M,M,...",
        help="Numbers of experts that a convolution may get; with --vary, too.  [default: 2,4,8; with --vary none]",
    ),
]
Maxima = Annotated[
    list[str] | None,
    o.option(
        "--max",
        metavar="METRIC=AMOUNT",
        help="Upper limit: flops=+0.1%, bytes=+5%, weights=20MB; with a sign, relative to the model's own. Repeatable.",
    ),
]
Minima = Annotated[
    list[str] | None, o.option("--min", metavar="METRIC=AMOUNT", help="Lower limit: parameters=+50%. Repeatable.")
]
Goal = Annotated[
    str,
    o.option(
        "--goal",
        metavar="METRIC",
        help="Metric to maximise, or minimise if less is better; or a function of a profile, FILE.py:FUNCTION.",
    ),
]
Only = Annotated[
    list[str] | None,
    o.option("--only", metavar="PATTERN", help="Only these convolutions: a path, 'model.2.*', strided. Repeatable."),
]
Never = Annotated[
    list[str] | None,
    o.option("--never", metavar="PATTERN", help="Exclude convolutions: as --only, or head. Repeatable."),
]
FrontOver = Annotated[
    str | None, o.option("--front", metavar="METRIC", help="Also the Pareto front over one --max, up to its limit.")
]
Next = Annotated[int, o.option("--next", min=0, max=20, metavar="N", help="Number of next best answers to show.")]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Show at most N convolutions.")]
Write = Annotated[
    Path | None,
    o.option("--write", metavar="DIR", help="Folder for the variant's YAML, and a Python file without archprof."),
]

Vary = Annotated[
    str | None,
    o.option(
        "--vary",
        metavar="AXIS=VALUES,...",
        help="Vary width, depth, imgsz, scale, or the channels of each row: channels=0.5:1:0.25,imgsz=320,640.",
    ),
]
Multiple = Annotated[int, o.option("--multiple", min=1, metavar="N", help="Channels are multiples of N.")]

Latency = Annotated[bool, o.option("--latency", help="Measure the answer and the model in one paired experiment.")]

TOP = 20
"""Convolutions that are shown unless somebody asks for more."""


@command
def suggest(
    references: o.References,
    *,
    model: ModelAtOneScale,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    experts: Experts = None,
    maxima: Maxima = None,
    minima: Minima = None,
    goal: Goal = "parameters",
    only: Only = None,
    never: Never = None,
    front: FrontOver = None,
    alternatives: Next = ALTERNATIVES,
    top: Top = TOP,
    vary: Vary = None,
    multiple: Multiple = MULTIPLE,
    write: Write = None,
    latency: Latency = False,
    sampling: la.Sampling,
    output_options: OutputOptions,
) -> None:
    """Find the best variant under budgets, with a proof: which convolutions to make dynamic, with how many experts."""
    from archprof.cli.parameternet import parse_experts
    from archprof.records.suggestion import Suggestion
    from archprof.render import View
    from archprof.render.reports import REPORTS
    from archprof.suggest.request import SuggestionRequest

    destinations = output_options.plan()
    model.refuse_several("a suggestion")
    models = selection.find_models(references, model.find)
    if len(models) > 1:
        raise UsageError("a suggestion is of one model", hint=f"name one: {references[0]}")
    specs = selection.specs_of(models)
    options = model.options(device=device)
    config = selection.execution_config(plugins)
    measurement = la.plan(options, config.plugins, sampling, models=2) if latency else None
    numbers = parse_experts(experts)
    request = SuggestionRequest(
        experts=tuple(numbers) if numbers else None,
        maxima=tuple(maxima or ()),
        minima=tuple(minima or ()),
        goal=goal,
        score=_score(goal),
        only=tuple(only or ()),
        never=tuple(never or ()),
        front=front,
        alternatives=alternatives,
        vary=vary,
        multiple=multiple,
    )
    request.check()
    selection.prepare(specs, plugins or [])
    answer = request.answer(specs[0], options, config, console)
    record, experiment = answer.record, None
    if isinstance(record, Suggestion):
        selection.remark(specs, [record.environment])
    texts = _texts(record.stem, record.yaml, record.python)
    if measurement and (vary is not None or answer.experts):
        record, experiment = _measured((specs[0], options), answer, measurement)
    result = REPORTS[type(record)](record, View(top=top))
    _write(texts, write, output_options.force)
    output.deliver(destinations, result)
    if experiment:
        la.conclude(experiment)


def _measured(base: "Model", answer: "Answer", measurement: "Measurement") -> "tuple[Suggestion | Variation, Benched]":
    """The answer with how long it and the model take, and the experiment.

    Raises:
        KeyboardInterrupt: Where it was interrupted before anything was measured.
        RunError: Where nothing could be measured.
    """
    import msgspec

    from archprof.suggest.measured import measure_answer

    measured, experiment = measure_answer(base, answer.model, answer.experts, measurement, console)
    la.require_samples(experiment)
    return msgspec.structs.replace(answer.record, measured=measured), experiment


def _texts(stem: str, yaml: str | None, python: str | None) -> dict[str, str]:
    """The files of an answer by name."""
    texts = {f"{stem.replace('-', '_')}.py": python, f"{stem}.yaml": yaml}
    return {name: text for name, text in texts.items() if text is not None}


def _score(goal: str) -> "Callable[[Profile], Any] | None":
    """The user's function of ``FILE.py:FUNCTION``; None for a metric.

    Raises:
        UsageError: Where there is no such file or function.
    """
    file, colon, name = goal.rpartition(":")
    if not colon and not goal.endswith(".py"):
        return None
    if not (file and name):
        form = f"{file or goal.strip(':')}:FUNCTION" if file or goal.endswith(".py") else "FILE.py:FUNCTION"
        raise UsageError(f"--goal {goal!r} is neither a metric nor a function", hint=f"a function is --goal {form}")
    from archprof.sources.usercode import import_code

    module = import_code(file, UsageError)
    function: Callable[[Profile], Any] | None = getattr(module, name, None)
    if not callable(function):
        functions = [other for other, value in vars(module).items() if callable(value) and not other.startswith("_")]
        hint = did_you_mean(name, functions) or (f"it has {', '.join(functions[:5])}" if functions else None)
        raise UsageError(f"--goal {goal}: {file} has no function {name!r}", hint=hint)
    return function


def _write(texts: dict[str, str], folder: Path | None, force: bool) -> None:
    """Write files into a folder, all of them or none.

    Raises:
        OutputError: Where one exists already, or the folder cannot be made.
    """
    if folder is None:
        return
    if not texts:
        console.note("nothing is written: rows of this variant's file are in a form that cannot be changed")
        return
    for name in texts:
        if (folder / name).exists() and not force:
            raise OutputError("already exists", path=folder / name, hint="--force overwrites it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", path=folder) from None
    for name, text in texts.items():
        output.write_whole(folder / name, text)
        console.note(f"wrote {folder / name}")
