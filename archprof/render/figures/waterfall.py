"""From the exact count to a counter's figure: each step is what it omits, repeats or adds, and the steps add up."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from archprof.records.audit import AuditResult
from archprof.records.conventions import CONVENTIONS, reporter_of
from archprof.records.profile import Profile
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.published import published_gflops
from archprof.render.figures.steps import Step, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.audit import Opinion
    from archprof.records.profile import Reported

EXACT = "exact count"

VERBS = {"missed": "omits", "repeated": "repeats", "added": "adds", "unexplained": "unexplained"}


class Waterfall(FigureKind):
    """The way from the exact count to the figure of a convention, or of a counter that ran."""

    name = "waterfall"
    options = ("--counter",)
    help = "from the exact count to another counter's figure, step by step"
    alternatives = True
    absent = "a waterfall is of a model and a counter's figure that differs: `archprof audit REF -o audit.json`"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each counter that has another figure than the exact count."""
        for record in records:
            if isinstance(record, Profile):
                for name, reported in record.reported.items():
                    if choice.counter in (None, name) and (steps := of_convention(record, name, reported)):
                        options = ["--counter", name]
                        training = record.backward is not None
                        yield _figure(
                            steps,
                            origin.about(record, CONVENTIONS[name].rule if name in CONVENTIONS else name),
                            origin.command(self.name, record.variant, record.input, *options, training=training),
                        )
            elif isinstance(record, AuditResult):
                for opinion in record.opinions:
                    if choice.counter in (None, opinion.counter) and (steps := of_opinion(record, opinion)):
                        yield _figure(steps, *_origin(record, opinion, steps.unit))


def _origin(audit: AuditResult, opinion: Opinion, unit: str) -> tuple[list[str], str]:
    about = origin.of_variant(audit.variant, audit.input, unit)
    versions = origin.versions(audit.tool, audit.environment)
    counter = _called(opinion)
    model = [audit.variant.reference, *origin.settings(audit.variant, audit.input)]
    run = shlex.join(["archprof", "audit", *model, "--counter", opinion.counter, "-o", "audit.json"])
    return [*about, counter, *versions], f"{run}\narchprof plot waterfall audit.json -o waterfall.svg"


def _called(opinion: Opinion) -> str:
    """A counter and its version, where that is not in its name already, as in "thop-2.0"."""
    version = opinion.version or ""
    return opinion.counter if opinion.counter.endswith(version) else f"{opinion.counter} {version}"


def of_convention(profile: Profile, name: str, reported: Reported) -> Steps | None:
    """The way to what a convention gives; None where that is the exact count."""
    if reported.exact_macs is None or not (reported.missed or reported.added):
        return None
    macs = reported.unit.startswith("GMACs")
    counter = reporter_of(name, profile.environment.packages)
    return Steps(
        start=2 * reported.exact_macs,
        end=round(reported.gflops * 10**9) * (2 if macs else 1),
        start_label=EXACT,
        end_label=counter or (f"{name}, 2 × MACs" if macs else name),
        unit="FLOPs",
        steps=[
            *(Step(f"omits {entry.operation}", "less", [("", None, -entry.flops)]) for entry in reported.missed),
            *(Step(f"adds {entry.operation}", "more", [("", None, entry.flops)]) for entry in reported.added),
        ],
        published=None if macs else published_gflops(profile.variant, profile.input, name),
    ).adding_up()


def of_opinion(audit: AuditResult, opinion: Opinion) -> Steps | None:
    """The way to what a counter said; None where it said nothing, or the exact count."""
    if opinion.macs is None or opinion.value is None or not opinion.differences:
        return None
    value = round(opinion.value * (10**9 if opinion.unit.startswith("G") else 1))
    factor = 2 if value != opinion.macs and value // 2 == opinion.macs else 1
    rows = {row.index: f"row {row.index} {row.module}" for row in audit.rows}
    groups: defaultdict[tuple[str, str], defaultdict[tuple[str, int | None], int]]
    groups = defaultdict(lambda: defaultdict(int))
    for entry in opinion.differences:
        kind = "unexplained" if entry.kind == "unexplained" else "less" if entry.macs < 0 else "more"
        part = rows.get(-1 if entry.row is None else entry.row, entry.module or "")
        groups[f"{VERBS[entry.kind]} {entry.operation}".rstrip(), kind][part, entry.row] += factor * entry.macs
    return Steps(
        start=factor * audit.macs,
        end=factor * opinion.macs,
        start_label=EXACT,
        end_label=_called(opinion),
        unit="FLOPs" if factor == 2 else "MACs",
        steps=[
            Step(label, kind, [(part, row, amount) for (part, row), amount in parts.items() if amount])
            for (label, kind), parts in groups.items()
        ],
        published=published_gflops(audit.variant, audit.input, opinion.counter) if factor == 2 else None,
    ).adding_up()


def _figure(steps: Steps, about: Sequence[str], command: str) -> Figure:
    return Figure(
        kind=Waterfall.name,
        title=f"From the exact count to {steps.end_label}",
        text=steps.text(),
        spec=steps.spec(),
        about=about,
        command=command,
    )


FIGURES.register(Waterfall.name, Waterfall())
