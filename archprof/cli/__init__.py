"""The command line. Nothing is imported here that ``--help`` would have to wait for."""

import gc
import os
from typing import Annotated

import typer

from archprof.cli import options as o
from archprof.cli.command import begin
from archprof.cli.commands import Commands
from archprof.cli.streams import reserved_stdout
from archprof.version import __version__


def print_version(value: bool) -> None:
    """Print the version and leave."""
    if value:
        typer.echo(f"archprof {__version__}")
        raise typer.Exit


def archprof(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=print_version, is_eager=True)
    ] = False,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    color: o.Color = None,
    debug: o.Debug = False,
    no_cache: o.NoCache = False,
) -> None:
    """Take in what stands before the command."""
    begin(verbose, quiet, color, debug, no_cache)


app = typer.Typer(
    name="archprof",
    cls=Commands,
    help="Profile neural-network architectures: layers, parameters, exact FLOPs, memory and latency.",
    epilog="Every option can also be set by an environment variable: ARCHPROF_IMGSZ=384x640 means --imgsz 384x640.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(archprof)


def main() -> None:
    """The ``archprof`` command."""
    # Processes that are started from here do not import what lies in the working folder instead of what is installed.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    # Python would look for cycles once in 700 new objects, among all that imports leave behind, and once more at the
    # end, when everything is thrown away anyhow: a twentieth of a short command's time.
    gc.set_threshold(100_000, 3, 3)
    try:
        with reserved_stdout():
            app(prog_name="archprof")
    finally:
        if not _leaks_are_reported():
            gc.freeze()


def _leaks_are_reported() -> bool:
    """Whether an extension made with nanobind is loaded, as triton's is with timm.

    At exit such an extension prints every type of its own that is still alive, and what is frozen stays alive.
    """
    return any(metaclass.__module__ == "nanobind" for metaclass in type.__subclasses__(type))
