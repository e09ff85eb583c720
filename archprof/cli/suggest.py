"""``archprof suggest``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions
from archprof.errors import OutputError, UsageError

if TYPE_CHECKING:
    from archprof.records.suggestion import Suggestion

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
    o.option("--goal", metavar="METRIC", help="What to have the most of; the least, if less of it is better."),
]
Only = Annotated[
    list[str] | None,
    o.option("--only", metavar="PATTERN", help="Only these convolutions: a path, 'model.2.*', strided. Repeatable."),
]
Never = Annotated[
    list[str] | None, o.option("--never", metavar="PATTERN", help="Not these: as --only, or head. Repeatable.")
]
FrontOver = Annotated[
    str | None, o.option("--front", metavar="METRIC", help="Also the Pareto front over one --max, up to its limit.")
]
Next = Annotated[int, o.option("--next", min=0, max=20, metavar="N", help="How many of the next best answers to show.")]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Show at most N convolutions.")]
Write = Annotated[
    Path | None,
    o.option("--write", metavar="DIR", help="Write the variant's YAML, and a Python file that needs no archprof."),
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
    write: Write = None,
    output_options: OutputOptions,
) -> None:
    """Find the best variant under budgets, with a proof: which convolutions to make dynamic, with how many experts."""
    from archprof.cli.parameternet import parse_experts
    from archprof.render import View
    from archprof.render.suggestion import report
    from archprof.suggest.additive import parse_budgets

    destinations = output_options.plan()
    model.refuse_several("a suggestion")
    budgets = parse_budgets(maxima or [], minima or [])
    models = selection.find_models(references, model.find)
    specs = selection.specs_of(models)
    if len(specs) > 1:
        raise UsageError("a suggestion is of one model", hint=f"name one: {references[0]}")
    options = model.options(device=device)
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
    question.check()
    result = find_placement(specs[0], options, question, console)
    files = _files(result, write, output_options.force) if write else {}
    selection.remark(specs, [result.environment])
    for path, text in files.items():
        output.write_whole(path, text)
        console.note(f"wrote {path}")
    output.deliver(destinations, report(result, View(top=top)))


def _files(result: "Suggestion", folder: Path, force: bool) -> dict[Path, str]:
    """What is written, checked before anything is.

    Raises:
        OutputError: Where a file exists already, or the folder cannot be made.
    """
    stem = result.stem
    texts = {folder / f"{stem.replace('-', '_')}.py": result.python}
    if result.yaml is not None:
        texts[folder / f"{stem}.yaml"] = result.yaml
    for path in texts:
        if path.exists() and not force:
            raise OutputError("already exists", path=path, hint="--force overwrites it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", path=folder) from None
    return texts
