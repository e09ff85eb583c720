"""``archprof list``."""

from typing import Annotated

import typer

from archprof.cli import completion, output, selection
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions

What = Annotated[
    str | None,
    typer.Argument(
        autocompletion=completion.kinds,
        metavar="[KIND[:PATTERN]]",
        help="What to list, such as timm:vit* or blocks.  [default: the kinds]",
    ),
]


@command
def list(  # noqa: A001 - it is called so on the command line
    what: What = None,
    *,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    output_options: OutputOptions,
) -> None:
    """List what can be named: models of each origin, blocks, counters, formats, metrics.

    Examples: archprof list timm:*resnet*; archprof list blocks:C3; archprof list metrics.
    """
    from archprof.listing import find_items
    from archprof.render import listing

    destinations = output_options.plan()
    selection.load_plugins(selection.execution_config(plugins, no_plugins=no_plugins).plugins)
    with console.working(f"listing {what or 'kinds'}"):
        report = listing.report_of_items(*find_items(what)) if what else listing.report_of_kinds()
    output.deliver(destinations, report)
