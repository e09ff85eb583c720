"""The command line. Nothing is imported here that ``--help`` would have to wait for."""

from typing import Annotated

import typer

from archprof import __version__
from archprof.cli import (
    audit,
    bench,
    cache,
    calibrate,
    check,
    claims,
    compare,
    doctor,
    init,
    parameternet,
    schema,
    summary,
    zoo,
)
from archprof.cli import options as o
from archprof.cli.command import begin

app = typer.Typer(
    name="archprof",
    help="What a neural-network architecture really costs: parameters, layers, and FLOPs that are right.",
    epilog="Every option can also be set in the environment: ARCHPROF_IMGSZ=384x640 is --imgsz 384x640.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(summary.summary)
app.command()(audit.audit)
app.command()(bench.bench)
app.command()(cache.cache)
app.command()(calibrate.calibrate)
app.command()(check.check)
app.command()(claims.claims)
app.command()(compare.compare)
app.command()(doctor.doctor)
app.command()(init.init)
app.command()(parameternet.parameternet)
app.command()(schema.schema)
app.add_typer(zoo.zoo, name="zoo")


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"archprof {__version__}")
        raise typer.Exit


@app.callback()
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


def main() -> None:
    """The ``archprof`` command."""
    app(prog_name="archprof")
