"""``archprof suggest``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions
from archprof.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.options import Options
    from archprof.pipeline import ExecutionConfig
    from archprof.records.profile import Profile
    from archprof.records.variation import Variation
    from archprof.sources.spec import Spec

Experts = Annotated[
    str,
    o.option("--experts", metavar="M,M,...", help="Numbers of experts that a convolution may get."),
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
    o.option("--goal", metavar="METRIC", help="Metric to maximise; minimised if less of it is better."),
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
        help="Instead of experts, vary width, depth, imgsz or scale: width=0.125:0.5:0.125,imgsz=320,640.",
    ),
]

TOP = 20
"""Convolutions that are shown unless somebody asks for more."""


@command
def suggest(
    references: o.References,
    *,
    model: ModelAtOneScale,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    experts: Experts = "2,4,8",
    maxima: Maxima = None,
    minima: Minima = None,
    goal: Goal = "parameters",
    only: Only = None,
    never: Never = None,
    front: FrontOver = None,
    alternatives: Next = 2,
    top: Top = TOP,
    vary: Vary = None,
    write: Write = None,
    output_options: OutputOptions,
) -> None:
    """Find the best variant under budgets, with a proof: which convolutions to make dynamic, with how many experts."""
    from archprof.cli.parameternet import parse_experts
    from archprof.render import View
    from archprof.render.suggestion import report
    from archprof.render.variation import report as variation_report
    from archprof.suggest.additive import parse_budgets

    destinations = output_options.plan()
    model.refuse_several("a suggestion")
    models = selection.find_models(references, model.find)
    specs = selection.specs_of(models)
    if len(specs) > 1:
        raise UsageError("a suggestion is of one model", hint=f"name one: {references[0]}")
    options = model.options(device=device)
    limits = maxima or [], minima or []
    if vary is not None:
        result = _varied(specs[0], options, vary, limits, goal, selection.execution_config(plugins))
        texts = {f"{result.stem}.yaml": result.yaml} if result.yaml else {}
        _write(texts, write, output_options.force)
        output.deliver(destinations, variation_report(result, View(top=top)))
        return
    budgets = parse_budgets(*limits)
    selection.prepare(specs, plugins or [])
    with console.working("loading torch"):
        from archprof.suggest.placement import suggest as find_placement
        from archprof.suggest.problem import Question

    question = Question(
        experts=tuple(parse_experts(experts) or ()),
        budgets=tuple(budgets),
        goal=goal,
        only=tuple(only or ()),
        never=tuple(never or ()),
        front=front,
        alternatives=alternatives,
    )
    answer = find_placement(specs[0], options, question, console)
    selection.remark(specs, [answer.environment])
    texts = {f"{answer.stem.replace('-', '_')}.py": answer.python}
    if answer.yaml is not None:
        texts[f"{answer.stem}.yaml"] = answer.yaml
    _write(texts, write, output_options.force)
    output.deliver(destinations, report(answer, View(top=top)))


def _varied(
    spec: "Spec",
    options: "Options",
    axes: str,
    limits: tuple[list[str], list[str]],
    goal: str,
    config: "ExecutionConfig",
) -> "Variation":
    """The best of the variants of a model."""
    from archprof.suggest.additive import LIMITED, parse_budgets
    from archprof.suggest.vary import vary

    budgets = parse_budgets(*limits, LIMITED)
    return vary(spec, options, axes, budgets, goal, _score(goal), config, console)


def _score(goal: str) -> "Callable[[Profile], Any] | None":
    """The user's function of ``FILE.py:FUNCTION``; None for a metric.

    Raises:
        UsageError: Where there is no such file or function.
    """
    file, colon, name = goal.rpartition(":")
    if not colon:
        return None
    from archprof.sources.usercode import import_code

    function: Callable[[Profile], Any] | None = getattr(import_code(file, UsageError), name, None)
    if not callable(function):
        raise UsageError(f"--goal {goal}: {file} has no function {name!r}")
    return function


def _write(texts: dict[str, str], folder: Path | None, force: bool) -> None:
    """Write files into a folder, all of them or none.

    Raises:
        OutputError: Where one exists already, or the folder cannot be made.
    """
    if folder is None:
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
