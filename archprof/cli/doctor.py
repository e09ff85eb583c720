"""``archprof doctor``."""

import typer

from archprof.cli import output
from archprof.cli.command import FAILED, command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions


@command
def doctor(*, output_options: OutputOptions) -> None:
    """Look at what is installed, run every counter on three layers, and say what to type to mend what is broken.

    Exits with 2 where something is broken.
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
