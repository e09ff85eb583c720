"""The commands, by name."""

from importlib import import_module
from typing import Any

import typer

from archprof.cli.parsing import Command, Group

COMMANDS = {
    "summary": "Show layers, parameters, FLOPs and memory of a model.",
    "audit": "Run other FLOPs counters, and explain how each differs.",
    "bench": "Measure latency, and say which of several models is faster.",
    "cache": "Show how many results are cached and where; delete them.",
    "calibrate": "Measure this computer, so that latencies can be predicted.",
    "check": "Check the repository's models against their budgets.",
    "claims": "Replay published figures, and say which are reproduced.",
    "compare": "Show what changed between models, and what accounts for it.",
    "config": "Show the project's configuration, and where each value is.",
    "doctor": "Check the installation: versions, devices, counters.",
    "explain": "Explain a block: its arguments, its channels, an example row.",
    "init": "Write a first budget file of the repository's models.",
    "list": "List what can be named: models, blocks, counters, formats.",
    "parameternet": "Compare ParameterNet's predictions with what is measured.",
    "plot": "Draw a figure for a paper or a page, as SVG, PNG or PDF.",
    "report": "Make a page of figures and tables that needs no network.",
    "schema": "Print the JSON Schema of a saved file.",
    "suggest": "Find the best variant under budgets, with a proof.",
    "sweep": "Count many variants of a model, and keep them in a store.",
    "zoo": "List the zoo's variants, or print one.",
}
"""Every command, and what ``--help`` says of it; each is in the file of its name, and is called so there."""


class Commands(Group):
    """The commands. One that is not wanted takes time to import and to lay out, so each is read when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None where there is none."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(command := _read(cmd_name))
            command.short_help = COMMANDS[cmd_name]  # what a shell shows beside the name, whole
        return super().get_command(ctx, cmd_name)

    def summary(self, ctx: Any, name: str) -> str:
        """What a command is for."""
        return COMMANDS[name]


def _read(name: str) -> Any:
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    command = getattr(import_module(f"archprof.cli.{name}"), name)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(cls=Command)(command)
    return typer.main.get_group(app).commands[name]
