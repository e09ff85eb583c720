"""``archprof schema``."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from archprof.cli.command import command
from archprof.cli.console import console


class SchemaChoice(StrEnum):
    """The formats that have a schema."""

    profile = "profile"
    comparison = "comparison"
    budgets = "budgets"
    lock = "lock"
    check = "check"
    benchmark = "benchmark"
    sweep = "sweep"
    sweep_plan = "sweep-plan"
    suggestion = "suggestion"
    variation = "variation"


MODULES = {
    SchemaChoice.profile: "archprof.records.profile",
    SchemaChoice.comparison: "archprof.records.comparison",
    SchemaChoice.budgets: "archprof.budgets.schema",
    SchemaChoice.lock: "archprof.budgets.lock",
    SchemaChoice.check: "archprof.records.check_result",
    SchemaChoice.benchmark: "archprof.records.benchmark",
    SchemaChoice.sweep: "archprof.records.sweep",
    SchemaChoice.sweep_plan: "archprof.sweep.plan_file",
    SchemaChoice.suggestion: "archprof.records.suggestion",
    SchemaChoice.variation: "archprof.records.variation",
}
"""Where each format's ``json_schema`` is."""

Record = Annotated[
    SchemaChoice,
    typer.Argument(metavar="KIND", help=f"Kind of saved file: {', '.join(SchemaChoice)}."),
]


@command
def schema(record: Record = SchemaChoice.profile) -> None:
    """Print the JSON Schema of a saved file."""
    import msgspec

    json_schema = import_module(MODULES[record]).json_schema()
    console.write(msgspec.json.format(msgspec.json.encode(json_schema), indent=2).decode() + "\n")
