"""``archprof doctor``."""

import typer

from archprof.cli import output
from archprof.cli.command import FAILED, command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions


@command
def doctor(*, output_options: OutputOptions) -> None:
    """Check the installation: versions, devices, and every counter on a small model; say what to type to repair it.

    Exits with 2 if something is broken.
    """
    from archprof.render import View
    from archprof.render.doctor import report

    destinations = output_options.plan()
    with console.working("running counters on three layers"):
        from archprof.doctor import diagnose

        diagnosis = diagnose()
    output.deliver(destinations, report(diagnosis, View()))
    if diagnosis.broken:
        console.error(f"broken: {', '.join(finding.check for finding in diagnosis.broken)}")
        raise typer.Exit(FAILED)
