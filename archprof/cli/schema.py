"""``archprof schema``."""

from archprof.cli.command import command
from archprof.cli.console import console


@command
def schema() -> None:
    """Print the JSON Schema of a saved profile."""
    import msgspec

    from archprof.profiles import json_schema

    console.write(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode() + "\n")
