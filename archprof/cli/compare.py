"""``archprof compare``."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.errors import UsageError
from archprof.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.profiles import Profile
    from archprof.variant.spec import Spec


class DetailChoice(StrEnum):
    """The table of rows."""

    changes = "changes"
    all = "all"
    none = "none"


References = Annotated[
    list[str],
    typer.Argument(
        metavar="A B [C...]",
        help="What to compare, the first being what it was: models as `summary` takes them, REV:FILE.yaml as of a git "
        "revision, or profiles saved as FILE.json.",
    ),
]
Scale = Annotated[str | None, o.option("--scale", metavar="SCALE", help="One of the files' scales.")]
Detail = Annotated[DetailChoice, o.option("--detail", help="The rows to show: those that changed, all, or none.")]
Top = Annotated[int | None, o.option("--top", min=1, metavar="N", help="Only so many rows, the largest changes.")]
Horizontal = Annotated[
    str | None,
    o.option(
        "--x", metavar="METRIC", help="A metric of the Pareto front; METRIC:max where more is better.  [default: flops]"
    ),
]
Vertical = Annotated[
    str | None, o.option("--y", metavar="METRIC", help="The other metric of the front.  [default: parameters]")
]


@command
def compare(
    references: References,
    scale: Scale = None,
    imgsz: o.ImageSize = None,
    batch: o.Batch = 1,
    channels: o.Channels = None,
    nc: o.Classes = None,
    settings: o.Settings = None,
    fuse: o.Fuse = False,
    static: o.Static = False,
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    backward: o.Backward = False,
    plugins: o.Plugins = None,
    convention: o.Convention = o.ConventionChoice.flops,
    detail: Detail = DetailChoice.changes,
    depth: o.Depth = 3,
    top: Top = None,
    x: Horizontal = None,
    y: Vertical = None,
    format: o.Format = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Say what changed between models, row by row, and what made most of the difference."""
    from archprof.analyse import compare as comparing
    from archprof.analyse import pareto
    from archprof.render import View
    from archprof.render.compare import FORMATS

    destinations = output.plan(outputs or [], format and format.value, force=force)
    if len(references) < 2:
        raise UsageError("there is nothing to compare with", hint="name two models or more")
    if scale == subject.ALL:
        raise UsageError("a comparison is of one scale", hint="name one with --scale")
    x, y = x or pareto.X, y or pareto.Y
    pareto.axes(x, y)  # before anything is built
    size = subject.parse_size(imgsz)
    found = [_find(reference, scale, nc, settings or []) for reference in references]
    options = Options(
        size=size,
        batch=batch,
        channels=channels,
        fuse=fuse,
        static=static,
        device=device,
        dtype=dtype,
        backward=backward,
        convention=convention.value,
    )
    comparison = comparing.compare(_profiles(found, options, plugins or []), names=references, depth=depth, x=x, y=y)
    output.deliver(
        destinations,
        lambda chosen, view: FORMATS[chosen](comparison, view),
        View(detail=detail.value, top=top),
    )


def _find(reference: str, scale: str | None, nc: int | None, settings: "Sequence[str]") -> "Spec | Profile":
    """What a reference means: a saved profile as it is, or a model that is to be profiled."""
    if reference.endswith(".json"):
        from archprof.profiles import Profile

        return Profile.read(Path(reference))
    (spec,) = subject.find_specs(reference, scale=scale, nc=nc, settings=settings)
    return spec


def _profiles(found: "Sequence[Spec | Profile]", options: Options, plugins: "Sequence[str]") -> "list[Profile]":
    """The profiles, in order; torch is only needed where one was not saved."""
    from archprof.profiles import Profile

    specs = [one for one in found if not isinstance(one, Profile)]
    made = iter(subject.profile_all(specs, options, plugins=plugins) if specs else [])
    return [one if isinstance(one, Profile) else next(made) for one in found]
