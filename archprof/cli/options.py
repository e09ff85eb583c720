"""The options that commands share, each declared once."""

from enum import StrEnum
from typing import Annotated, Any

import typer


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


class ConventionChoice(StrEnum):
    """The rules that turn a run into one number."""

    flops = "flops"
    macs = "macs"
    all = "all"
    fvcore = "fvcore"
    torchprofile = "torchprofile"
    torchvision = "torchvision"
    thop_2_0 = "thop-2.0"


class FormatChoice(StrEnum):
    """What a result is written as."""

    text = "text"
    json = "json"
    markdown = "markdown"
    csv = "csv"


Verbose = Annotated[bool, option("--verbose", "-v", help="Say what is being done and how long it takes.")]
Quiet = Annotated[bool, option("--quiet", "-q", help="No remarks and no progress, only data and errors.")]
Color = Annotated[ColorChoice | None, option("--color", help="Colour the output.  [default: auto]")]
Debug = Annotated[bool, option("--debug", help="Show the traceback of an internal error.")]
NoCache = Annotated[bool, option("--no-cache", help="Count everything anew, and keep nothing.")]

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="A YAML file, REV:FILE.yaml as of a git revision, the name of a zoo variant or of a model that "
        "Ultralytics ships, timm:NAME, torchvision:NAME, or FILE.py:FACTORY.",
    ),
]
Scale = Annotated[
    str | None,
    option("--scale", metavar="SCALE", help="One of the file's scales, or 'all'.  [default: the first]"),
]
OneScale = Annotated[
    str | None,
    option("--scale", metavar="SCALE", help="One of the file's scales.  [default: that of the file's name; the first]"),
]
Classes = Annotated[int | None, option("--nc", metavar="N", help="Number of classes.")]
Settings = Annotated[
    list[str] | None,
    option("--set", metavar="KEY=VALUE", help="A top-level value of the YAML; may be repeated."),
]
Plugins = Annotated[
    list[str] | None,
    option("--plugin", metavar="PLUGIN", help="A file or module that registers blocks; may be repeated."),
]

NoPlugins = Annotated[
    bool, option("--no-plugins", help="Run no code that is not installed: no plugin, no FILE.py:FACTORY.")
]
Jobs = Annotated[
    int, option("--jobs", "-j", min=0, metavar="N", help="How many models to count at once; 0 for one a core.")
]
LimitTime = Annotated[
    float | None,
    option("--limit-time", min=0, metavar="SECONDS", help="Stop counting a model after so long; 0 for no limit."),
]
LimitMemory = Annotated[
    str | None,
    option("--limit-memory", metavar="SIZE", help="Stop counting a model that takes more, as 4 GB; 0 for no limit."),
]

ImageSize = Annotated[
    str | None,
    option(
        "--imgsz", metavar="SIZE", help="A side, or HEIGHTxWIDTH.  [default: the model's own; 640, classifiers 224]"
    ),
]
Batch = Annotated[int, option("--batch", min=1, metavar="N", help="Samples at once.")]
Channels = Annotated[
    int | None,
    option("--channels", min=1, metavar="N", help="Channels of the input image; the YAML's `channels`, else 3."),
]
Fuse = Annotated[bool, option("--fuse", help="Fold Conv+BatchNorm and drop training-only branches, as for deployment.")]
Static = Annotated[
    bool, option("--static", help="Its static twin: every dynamic convolution replaced with the plain one.")
]
Device = Annotated[
    str, option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N, or meta, which takes no memory.")
]
Dtype = Annotated[str, option("--dtype", metavar="DTYPE", help="Type of weights and images.")]

Threads = Annotated[int | None, option("--threads", min=1, metavar="N", help="Threads to compute with on the CPU.")]

Convention = Annotated[
    ConventionChoice,
    option("--convention", help="The rule of the figures in the table: ours in another unit, or another tool's."),
]
Backward = Annotated[
    bool, option("--backward", help="Count a training step: the model in training mode, forward and backward.")
]

Detail = Annotated[
    DetailChoice | None,
    option("--detail", help="The table under the totals.  [default: rows; modules without a YAML]"),
]
Depth = Annotated[int, option("--depth", min=0, metavar="N", help="How deep the tree of modules goes.")]
Sort = Annotated[str | None, option("--sort", metavar="COLUMN", help="Sort by a column; numbers largest first.")]
Top = Annotated[
    int | None,
    option("--top", min=1, metavar="N", help="Only so many lines, the dearest unless --sort says otherwise."),
]

Format = Annotated[
    FormatChoice | None, option("--format", help="Format of the output.  [default: by the extension; text]")
]
Outputs = Annotated[
    list[str] | None,
    option("--output", "-o", metavar="FILE", help="Write to a file, '-' being stdout; may be repeated."),
]
Force = Annotated[bool, option("--force", help="Overwrite files.")]
