"""``archprof claims``."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.pipeline import Request
    from archprof.records.claim_result import ClaimResult
    from archprof.records.profile import Profile

DOES_NOT_HOLD = 1
COULD_NOT_JUDGE = 2

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|FAMILY|VARIANT...",
        help="Claims files, or families or variants of the zoo.  [default: all of the zoo]",
    ),
]


@command
def claims(
    names: Names = None,
    plugins: o.Plugins = None,
    *,
    output_options: OutputOptions,
) -> None:
    """Replay published figures: say which are reproduced, and what the exact figures are.

    Exits with 1 if a claim that should hold is not reproduced, and with 2 if one could not be evaluated.
    """
    from archprof.claims.catalogue import find_claims
    from archprof.claims.replay import replay
    from archprof.errors import ArchprofError
    from archprof.render import View
    from archprof.render.claims import report

    destinations = output_options.plan()
    selected = find_claims(names or [])
    profiler = selection.profiler(selection.execution_config(plugins))
    results: list[ClaimResult] = []

    def profile(request: "Request") -> "Profile":
        (outcome,) = profiler([request])
        if isinstance(outcome, ArchprofError):
            raise outcome
        return outcome

    def deliver() -> None:
        output.deliver(destinations, report(results, View()))

    try:
        results.extend(replay(selected, profile))
    except KeyboardInterrupt:
        if results:
            deliver()
            console.note(f"{len(results)} of {len(selected)} claims were replayed")
        raise
    deliver()
    leave(results)


def leave(results: Sequence["ClaimResult"]) -> None:
    """Say what became of the claims, and end as the worst of them demands.

    Raises:
        typer.Exit: Where a claim that should hold does not, or could not be evaluated.
    """
    from archprof.records.claim_result import Verdict
    from archprof.render.claim_text import VERDICTS, complaints, location

    counts = Counter(result.verdict for result in results)
    counts_text = ", ".join(f"{counts[verdict]} {VERDICTS[verdict]}" for verdict in Verdict if counts[verdict])
    for result in results:
        for complaint in complaints(result):
            console.error(complaint)
        if result.comes_out and result.verdict is Verdict.expected_failure:
            console.note(f"{location(result)} comes out, although the file says that it does not hold")
    console.note(f"{plural(len(results), 'claim')}: {counts_text}")
    if counts[Verdict.failed]:
        raise typer.Exit(COULD_NOT_JUDGE)
    if counts[Verdict.differs]:
        raise typer.Exit(DOES_NOT_HOLD)
