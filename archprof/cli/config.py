"""``archprof config``."""

import os
from pathlib import Path

from archprof.cli import output
from archprof.cli.command import command
from archprof.cli.option_groups import OutputOptions


@command
def config(*, output_options: OutputOptions) -> None:
    """Show the project's configuration: the file, each value, and what overrides it."""
    from archprof.budgets import project
    from archprof.render.configuration import report

    destinations = output_options.plan()
    reader = project.find(Path.cwd())
    defaults = project.read(reader) if reader else []
    variables = {default.key: f"ARCHPROF_{_option(default.key)}" for default in defaults}
    overrides = {key: f"{name}={os.environ[name]}" for key, name in variables.items() if name in os.environ}
    output.deliver(destinations, report(str(reader.path) if reader else None, defaults, overrides))


def _option(key: str) -> str:
    return {"plugins": "PLUGIN"}.get(key, key.upper())
