"""``archprof zoo``."""

from typing import Annotated

import typer

from archprof.cli import completion, output
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions
from archprof.cli.parsing import Command, Group

Name = Annotated[
    str, typer.Argument(autocompletion=completion.zoo, metavar="NAME", help="A variant, as listed by `archprof zoo`.")
]


@command
def list_command(context: typer.Context, *, output_options: OutputOptions) -> None:
    """List the zoo's variants, with the figures published for them."""
    if context.invoked_subcommand is not None:
        return
    from archprof.claims.catalogue import catalogue
    from archprof.render import View
    from archprof.render.zoo import report

    output.deliver(output_options.plan(), report(catalogue(), View()))


@command
def show_command(name: Name) -> None:
    """Print a variant's YAML."""
    from archprof.errors import UsageError
    from archprof.sources.reference import resolve

    spec = resolve(name)
    if spec.text is None:
        raise UsageError(f"{name} is not a YAML")
    console.write(spec.text)


zoo = typer.Typer(cls=Group, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
zoo.callback(invoke_without_command=True)(list_command)
zoo.command("list", cls=Command)(list_command)
zoo.command("show", cls=Command)(show_command)
