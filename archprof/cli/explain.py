"""``archprof explain``."""

from typing import Annotated

import typer

from archprof.cli import completion, output, selection
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions
from archprof.cli.parsing import Command, Group

BlockName = Annotated[
    str, typer.Argument(autocompletion=completion.blocks, metavar="NAME", help="A block, as a row of a YAML names it.")
]


@command
def block_command(
    name: BlockName,
    *,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    output_options: OutputOptions,
) -> None:
    """Explain a block: its arguments, the rule for its channels, an example row.

    Example: archprof explain block C3k2.
    """
    destinations = output_options.plan()
    with console.working("loading blocks"):
        from archprof.builder.block_help import blocks_named
        from archprof.render.listing import report_of_blocks

        selection.load_plugins(selection.execution_config(plugins, no_plugins=no_plugins).plugins)
        report = report_of_blocks(name, blocks_named(name))
    output.deliver(destinations, report)


explain = typer.Typer(
    cls=Group,
    help="Explain what a YAML is made of.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
explain.command("block", cls=Command)(block_command)
explain.callback()(lambda: None)
