"""The command line. Nothing is imported here that ``--help`` would have to wait for."""

import gc
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from archprof.cli import options as o
from archprof.cli.command import begin
from archprof.cli.parsing import Command, Group
from archprof.cli.streams import reserved_stdout
from archprof.version import __version__

COMMANDS = (
    "summary",
    "audit",
    "bench",
    "cache",
    "calibrate",
    "check",
    "claims",
    "compare",
    "config",
    "doctor",
    "init",
    "list",
    "parameternet",
    "plot",
    "report",
    "schema",
    "suggest",
    "explain",
    "sweep",
    "zoo",
)
"""Every command; each is in the file of its name, and is called so there."""


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


@cache
def application(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """The command line with some of its commands: one that is not wanted takes time to read and to lay out."""
    app = typer.Typer(
        name="archprof",
        cls=Group,
        help="Profile neural-network architectures: layers, parameters, exact FLOPs, memory and latency.",
        epilog="Every option can also be set by an environment variable: ARCHPROF_IMGSZ=384x640 means --imgsz 384x640.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(archprof)
    for name in names:
        command = getattr(import_module(f"{__name__}.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(cls=Command)(command)
    return app


def __getattr__(name: str) -> typer.Typer:
    """``app``, the whole of it, for whoever asks."""
    if name == "app":
        return application()
    raise AttributeError(name)


def main() -> None:
    """The ``archprof`` command."""
    # Processes that are started from here do not import what lies in the working folder instead of what is installed.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    # Python would look for cycles once in 700 new objects, among all that imports leave behind, and once more at the
    # end, when everything is thrown away anyhow: a twentieth of a short command's time.
    gc.set_threshold(50_000, 3, 3)
    first = tuple(sys.argv[1:2])
    app = application(first) if first and first[0] in COMMANDS else application()
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
