"""An audit as a report: a table of the counters, then the way from the exact count to each one's figure."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.counters.explain import ADDS
from archprof.records.audit import Opinion
from archprof.records.failure import Failure
from archprof.render import facts, several
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.audit import AuditResult, Difference
    from archprof.render import View

COUNTERS = (
    Column("counter", "counter"),
    Column("version", "version", min_width=8, absent=units.ABSENT),
    Column("reported", "reported", lambda opinion: reported(opinion), min_width=14, saved=False),
    Column("reported_flops", "", lambda opinion: _single(opinion, "FLOP"), visible=False),
    Column("reported_macs", "", lambda opinion: _single(opinion, "MAC"), visible=False),
    Column("macs", "GMACs", show=lambda macs: f"{macs / 10**9:,.4g}", number=True),
    Column("macs_ratio", "ratio", attrgetter("ratio"), show="{:.3f}".format, number=True),
    Column("duration_s", "seconds", attrgetter("seconds"), show="{:.2f}".format, number=True),
    Column("error", "error", visible=False),
    Column("largest", "most of it", lambda opinion: _largest(opinion), visible=False, wide=True, saved=False),
)

STEPS = (
    Column("macs_difference", "MACs", show=units.signed, number=True),
    Column("part", "of which", show=units.signed, number=True),
    Column("calls", "calls", show=units.count, number=True),
    Column("what", "what", min_width=20),
)

DIFFERENCES = (
    Column("kind", "kind"),
    Column("operation", "operation"),
    Column("reason", "reason", attrgetter("why")),
    Column("macs_difference", "MACs", attrgetter("macs")),
    *(Column(key, key) for key in ("calls", "module", "type", "row")),
)


def report(audit: AuditResult, view: View) -> Report:
    """The counters, and a section for each whose figure is not the exact count."""
    counters = _counters(audit)
    explained = [
        opinion
        for opinion in audit.opinions
        if opinion.macs is not None and opinion.differences and view.detail != "none"
    ]
    return Report(
        title=audit.variant.name,
        about=facts.about_scaled(audit.variant, audit.input),
        facts=[("exact count", _covered(audit))],
        tables=[counters],
        figures=lambda: figures_of([audit], "waterfall"),
        notes=[f"{opinion.counter}: {opinion.error}" for opinion in audit.opinions if opinion.error],
        parts=[_section(audit, opinion, view) for opinion in explained],
        record=audit,
        data=counters if view.detail == "none" else _differences(audit),
    )


def report_several(results: Sequence[AuditResult | Failure], view: View, *, details: bool = False) -> Report:
    """Several models: one line each, with the figure of each counter; the report of each after it, if wanted."""
    audits = [result for result in results if not isinstance(result, Failure)]
    counters = list(dict.fromkeys(opinion.counter for audit in audits for opinion in audit.opinions))
    names = several.names_of(results)
    columns = (
        *several.identity_columns(results),
        Column("macs", "exact GMACs", show=lambda macs: f"{macs / 10**9:,.4g}", number=True, absent=units.ABSENT),
        *(Column(f"{name}_ratio", name, show="×{:.3f}".format, number=True, absent=units.ABSENT) for name in counters),
        several.ERROR,
    )

    def record(name: str, result: AuditResult | Failure) -> Record:
        if isinstance(result, Failure):
            return (name, result.scale, None, *[None] * len(counters), result.error)
        ratios = {opinion.counter: opinion.ratio for opinion in result.opinions}
        return (name, result.variant.scale, result.macs, *map(ratios.get, counters), None)

    title, about = several.heading(results, [facts.about_variant(audit.variant, audit.input) for audit in audits])
    return Report(
        title=title,
        about=about,
        tables=[Table(columns, tuple(map(record, names, results)), label="model")],
        notes=[
            "×: a counter's figure over the exact count; `archprof audit MODEL` leads from one to the other",
            *(
                f"{audit.variant.name}: {opinion.counter}: {opinion.error}"
                for audit in audits
                for opinion in audit.opinions
                if opinion.error
            ),
            *several.reasons(results),
        ],
        parts=[report(audit, view) for audit in audits] if details and view.detail != "none" else [],
        record=results,
    )


def _covered(audit: AuditResult) -> list[str]:
    """What the exact count is worth."""
    if not audit.unknown:
        return ["covers every operation that ran"]
    return ["is a lower bound: no formula for", *(f"{name} {count}×" for name, count in sorted(audit.unknown.items()))]


def _counters(audit: AuditResult) -> Table:
    exact = Opinion(
        counter="exact",
        version=audit.tool.version,
        unit="FLOPs",
        value=2 * audit.macs,
        macs=audit.macs,
        ratio=1.0,
        seconds=audit.seconds,
    )
    return table_of(COUNTERS, [exact, *audit.opinions], "counter")


def _differences(audit: AuditResult) -> Table:
    """One line a difference."""
    records = [
        (opinion.counter, *record)
        for opinion in audit.opinions
        for record in table_of(DIFFERENCES, opinion.differences, "operation").records
    ]
    return Table((Column("counter", "counter"), *DIFFERENCES), tuple(records), label="operation")


def reported(opinion: Opinion) -> str:
    """A counter's figure with its unit."""
    if opinion.value is None:
        return "nothing, see below"
    unit = opinion.unit.removeprefix("G")
    amount = units.amount(round(_value(opinion)))
    close = unit.startswith(("FLOPs", "MACs")) and not amount[-1].isdecimal()
    return f"{amount}{unit}" if close else f"{amount} {unit}"


def _largest(opinion: Opinion) -> str:
    """The largest of a counter's differences, for a terminal that has room for it."""
    groups = _grouped(opinion.differences)
    if not groups:
        return ""
    (operation, reason), entries = groups[0]
    return f"{units.signed(sum(entry.macs for entry in entries))}: {_step(operation, reason)}"


def _single(opinion: Opinion, unit: str) -> int | None:
    """A counter's figure in single operations, where that is what it counts."""
    if opinion.value is None or unit not in opinion.unit.split()[0].upper():
        return None
    return round(_value(opinion))


def _value(opinion: Opinion) -> float:
    """A counter's figure in single operations."""
    return (opinion.value or 0) * (10**9 if opinion.unit.startswith("G") else 1)


def _section(audit: AuditResult, opinion: Opinion, view: View) -> Report:
    macs = opinion.macs or 0
    distance = units.below_or_above(macs, audit.macs) if audit.macs else "the exact count is 0"
    records: list[Record] = [(units.count(audit.macs), None, None, "the exact count")]
    for (operation, reason), group in _grouped(opinion.differences):
        records.append((sum(entry.macs for entry in group), None, _calls(group), _step(operation, reason)))
        if view.detail != "ops":
            records += _parts(audit, group, view)
    total = (units.count(macs), None, None, f"{opinion.counter} reports {_conclusion(opinion)}")
    return Report(
        title=f"{opinion.counter}: {reported(opinion)}, {distance}",
        tables=[Table(STEPS, tuple(records), label="what", total=total)],
    )


def _step(operation: str, reason: str) -> str:
    """What a counter does with an operation."""
    if reason == ADDS:
        return f"adds {operation}"
    return ", ".join(text for text in (operation, reason) if text)


def _conclusion(opinion: Opinion) -> str:
    """A counter's figure, and what it has to do with its multiply-accumulates."""
    value, macs = round(_value(opinion)), opinion.macs or 0
    if value == macs:
        return reported(opinion)
    if value // 2 == macs:
        return f"{reported(opinion)} = 2 × MACs"
    return f"{reported(opinion)}, {units.amount(macs, 'MACs')}"


def _grouped(differences: Sequence[Difference]) -> list[tuple[tuple[str, str], list[Difference]]]:
    """By operation and reason, the largest first."""
    groups: defaultdict[tuple[str, str], list[Difference]] = defaultdict(list)
    for entry in differences:
        groups[entry.operation, entry.why].append(entry)
    return sorted(groups.items(), key=lambda item: -abs(sum(entry.macs for entry in item[1])))


def _parts(audit: AuditResult, group: Sequence[Difference], view: View) -> Iterator[Record]:
    """The rows or modules of a group, the largest first; what is cut is summed up in one more line."""
    names = {row.index: f"row {row.index} {row.module}" for row in audit.rows}
    parts: defaultdict[str, list[Difference]] = defaultdict(list)
    for entry in group:
        if entry.module is None:
            return
        module = f"{entry.module or '(model)'} {entry.type or ''}".rstrip()
        by_row = view.detail == "rows" and entry.row is not None
        parts[names.get(entry.row, module) if by_row and entry.row is not None else module].append(entry)
    ordered = sorted(parts.items(), key=lambda item: -abs(sum(entry.macs for entry in item[1])))
    top = ordered[: view.top]
    for label, entries in top:
        yield (None, sum(entry.macs for entry in entries), _calls(entries), f"  {label}")
    if rest := [entry for _, entries in ordered[len(top) :] for entry in entries]:
        yield (None, sum(entry.macs for entry in rest), _calls(rest), f"  … {len(ordered) - len(top)} more")


def _calls(group: Sequence[Difference]) -> int | None:
    return sum(entry.calls or 0 for entry in group) or None
