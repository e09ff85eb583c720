"""The options that commands share, each declared once."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from archprof.cli import completion
from archprof.errors import did_you_mean
from archprof.records.conventions import CONVENTIONS
from archprof.render.formats import available


def option(*names: str, help: str, **more: Any) -> Any:  # noqa: A002
    """An option that ``ARCHPROF_NAME`` in the environment sets too; the command line goes first."""
    long = next(name for name in names if name.startswith("--"))
    variable = "ARCHPROF_" + long.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, envvar=variable, show_envvar=False, **more)


class ColorChoice(StrEnum):
    """When to colour."""

    auto = "auto"
    always = "always"
    never = "never"


class DetailChoice(StrEnum):
    """The table under the totals."""

    rows = "rows"
    modules = "modules"
    ops = "ops"
    none = "none"


class SummaryDetail(StrEnum):
    """The table under the totals of one profile."""

    rows = "rows"
    modules = "modules"
    ops = "ops"
    formula = "formula"
    none = "none"


def parse_convention(name: str) -> str:
    """One of the rules that turn a run into one number.

    Raises:
        BadParameter: Where there is none of that name.
    """
    if name.lower() not in CONVENTIONS:
        hint = did_you_mean(name, CONVENTIONS) or f"available: {', '.join(CONVENTIONS)}"
        raise typer.BadParameter(f"unknown convention {name!r}: {hint}")
    return name.lower()


def format_option(*, findings: bool = False) -> Any:
    """``--format`` of a command: help and completion follow from the registry of formats.

    What is accepted is decided when the destinations are planned, because a plugin may have formats, too.

    Args:
        findings: Whether the command's result has findings.
    """

    def complete(incomplete: str) -> list[str]:
        return [name for name in available(findings=findings) if name.startswith(incomplete)]

    return option(
        "--format",
        parser=str.lower,
        autocompletion=complete,
        metavar=f"[{'|'.join(available(findings=findings))}]",
        help="Format of the output.  [default: by the extension; text]",
    )


Verbose = Annotated[bool, option("--verbose", "-v", help="Show each step and how long it takes.")]
Quiet = Annotated[bool, option("--quiet", "-q", help="Show only data and errors: no notes, no progress.")]
Color = Annotated[ColorChoice | None, option("--color", help="When to colour the output.  [default: auto]")]
Debug = Annotated[bool, option("--debug", help="Show tracebacks of internal errors, and warnings of libraries.")]
NoCache = Annotated[bool, option("--no-cache", help="Neither read nor write cached results.")]

References = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        autocompletion=completion.references,
        help="A model: a YAML file, REV:FILE.yaml at a git revision, the name of a zoo variant or of a model YAML that "
        "Ultralytics ships, timm:NAME, torchvision:NAME, or FILE.py:FACTORY. Several, a folder, a pattern such as "
        "'models/*.yaml', or '-' for names on stdin: one row each.",
    ),
]
Scale = Annotated[
    str | None,
    option(
        "--scale",
        autocompletion=completion.scales,
        metavar="SCALE",
        help="A scale of the file, or 'all'.  [default: the scale in the file's name, else the first]",
    ),
]
OneScale = Annotated[
    str | None,
    option(
        "--scale",
        autocompletion=completion.scales,
        metavar="SCALE",
        help="One of the file's scales.  [default: the scale in the file's name, else the first]",
    ),
]
Classes = Annotated[int | None, option("--nc", metavar="N", help="Number of classes.")]
Settings = Annotated[
    list[str] | None,
    option("--set", metavar="KEY=VALUE", help="Set a top-level value of the YAML. Repeatable."),
]
Plugins = Annotated[
    list[str] | None,
    option(
        "--plugin",
        metavar="PLUGIN",
        help="A Python file or module that registers blocks, formulas, counters, formats or backends. Repeatable.",
    ),
]

NoPlugins = Annotated[
    bool, option("--no-plugins", help="Refuse to run code that is not installed: plugins and FILE.py:FACTORY.")
]
Jobs = Annotated[
    int, option("--jobs", "-j", min=0, metavar="N", help="Number of models counted at once; 0 means one per CPU core.")
]
TimeLimit = Annotated[
    float | None,
    option("--time-limit", min=0, metavar="SECONDS", help="Time limit for counting one model; 0 means none."),
]
MemoryLimit = Annotated[
    str | None,
    option("--memory-limit", metavar="SIZE", help="Memory limit for counting one model, such as '4 GB'; 0 means none."),
]

ImageSize = Annotated[
    str | None,
    option(
        "--imgsz",
        metavar="SIZE",
        help="Input size: one side, or HEIGHTxWIDTH.  [default: the model's own, else 640; 224 for classifiers]",
    ),
]
Batch = Annotated[int, option("--batch", min=1, metavar="N", help="Batch size.")]
Inputs = Annotated[
    list[str] | None,
    option(
        "--input",
        metavar="[NAME=]SHAPE",
        help="An input of the model, as ids=1x128:int64:0..30000, or a file of arrays: data.npz. Repeatable.",
    ),
]
Channels = Annotated[
    int | None,
    option("--channels", min=1, metavar="N", help="Channels of the input image.  [default: 3]"),
]
Fuse = Annotated[
    bool,
    option("--fuse", help="Fuse as for deployment: fold BatchNorm into Conv, drop branches used only in training."),
]
Static = Annotated[
    bool, option("--static", help="Use the static equivalent: every dynamic layer replaced by the plain one.")
]
Device = Annotated[
    str,
    option(
        "--device",
        autocompletion=completion.devices,
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N, or meta (no memory for weights).",
    ),
]
Dtype = Annotated[
    str, option("--dtype", autocompletion=completion.dtypes, metavar="DTYPE", help="Data type of weights and input.")
]

Threads = Annotated[int | None, option("--threads", min=1, metavar="N", help="Number of CPU threads.")]

Convention = Annotated[
    str,
    option(
        "--convention",
        parser=parse_convention,
        autocompletion=lambda incomplete: [name for name in CONVENTIONS if name.startswith(incomplete)],
        metavar=f"[{'|'.join(CONVENTIONS)}]",
        help="Convention of the figures in the table: the exact count in another unit, or another tool's rule.",
    ),
]
Backward = Annotated[
    bool, option("--backward", help="Count a training step: forward and backward pass in training mode.")
]

Detail = Annotated[
    SummaryDetail | None,
    option("--detail", help="Which table to show.  [default: rows; modules for a model without a YAML]"),
]
Depth = Annotated[int, option("--depth", min=0, metavar="N", help="Depth of the module tree.")]
Watch = Annotated[
    bool,
    option(
        "--watch",
        help="Show the answer again on each save, with what changed since the last save and since git's HEAD.",
    ),
]
Sort = Annotated[str | None, option("--sort", metavar="COLUMN", help="Sort the table by a column, largest first.")]
Top = Annotated[
    int | None,
    option("--top", min=1, metavar="N", help="Show at most N rows: the most expensive, or the first by --sort."),
]

Columns = Annotated[
    str | None,
    option(
        "--columns",
        metavar="NAME,NAME,...",
        help="A table of one row a model with these columns, as papers print it: model,params,flops,latency.",
    ),
]

Format = Annotated[str | None, format_option()]
FindingsFormat = Annotated[str | None, format_option(findings=True)]
Outputs = Annotated[
    list[str] | None,
    option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file; '-' is stdout, and FORMAT:FILE names the format. Repeatable.",
    ),
]
Html = Annotated[
    str | None,
    option("--html", metavar="FILE", help="Also write an HTML page of figures and tables, which needs no network."),
]
Force = Annotated[bool, option("--force", help="Overwrite existing files.")]
