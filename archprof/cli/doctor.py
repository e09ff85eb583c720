"""``archprof doctor``."""

from enum import StrEnum
from typing import Annotated

import typer

from archprof.cli.command import FAILED, command
from archprof.cli.console import console


class FormatChoice(StrEnum):
    """What a diagnosis is written as."""

    text = "text"
    json = "json"


# Not in the environment: there --format is set for commands that know more formats.
Format = Annotated[FormatChoice, typer.Option("--format", help="Format of the output.")]


@command
def doctor(format: Format = FormatChoice.text) -> None:  # noqa: A002
    """Check the installation: versions, devices, and every counter on a small model; say what to type to repair it.

    Exits with 2 if something is broken.
    """
    from archprof.render import View
    from archprof.render.doctor import FORMATS

    with console.working("running counters on three layers"):
        from archprof.doctor import diagnose

        diagnosis = diagnose()
    console.write(FORMATS[format](diagnosis, console.fit(View())))
    if diagnosis.broken:
        console.error(f"broken: {', '.join(finding.check for finding in diagnosis.broken)}")
        raise typer.Exit(FAILED)
