"""An audit -> text: a table of the counters, then the way from the exact count to each one's figure."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render import csv, header, markdown
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.records.audit import Audit, Difference, Opinion
    from archprof.render import View

COUNTERS = (
    Column("counter", "counter"),
    Column("version", "version", shrinks=8, absent=units.ABSENT),
    Column("value", "value", printed=False),
    Column("unit", "unit", printed=False),
    Column("says", "says", shrinks=14),
    Column("macs", "GMACs", lambda macs: f"{macs / 10**9:,.4g}", number=True),
    Column("ratio", "ratio", lambda ratio: f"{ratio:.3f}", number=True),
    Column("seconds", "seconds", lambda seconds: f"{seconds:.2f}", number=True),
    Column("error", "error", printed=False),
)

STEPS = (
    Column("macs", "MACs", units.signed, number=True),
    Column("part", "of which", units.signed, number=True),
    Column("calls", "calls", units.count, number=True),
    Column("what", "what", shrinks=20),
)

DIFFERENCES = (
    *(Column(name, name) for name in ("counter", "kind", "operation", "why", "macs", "calls", "module", "type")),
    Column("row", "row"),
)


def text(audit: Audit, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    about = " · ".join(_about(audit))
    lines = [
        style(audit.variant.name, "name"),
        *textwrap.wrap(about, view.width, initial_indent="  ", subsequent_indent="  "),
        *textwrap.wrap(_covered(audit), view.width, initial_indent="  ", subsequent_indent="  "),
        "",
        *lay_out(_counters(audit), view.width, style),
    ]
    for opinion in audit.opinions:
        if opinion.error:
            told = f"{opinion.counter}: {opinion.error}"
            lines += textwrap.wrap(told, view.width, initial_indent="  ", subsequent_indent="    ")
    for heading, table in _explained(audit, view):
        lines += ["", *textwrap.wrap(heading, view.width), *lay_out(table, view.width, style)]
    return "\n".join(lines) + "\n"


def as_markdown(audit: Audit, view: View) -> str:
    """For GitHub."""
    lines = [
        f"### {markdown.escaped(audit.variant.name)}",
        "",
        markdown.escaped(" · ".join([*_about(audit), _covered(audit)])),
        "",
        *markdown.table_lines(_counters(audit)),
    ]
    failed = [f"- {opinion.counter}: {opinion.error}" for opinion in audit.opinions if opinion.error]
    lines += ["", *map(markdown.escaped, failed)] if failed else []
    for heading, table in _explained(audit, view):
        lines += ["", f"#### {markdown.escaped(heading)}", "", *markdown.table_lines(table)]
    return "\n".join(lines) + "\n"


def as_csv(audit: Audit, view: View) -> str:
    """One line a difference; without details, one line a counter."""
    if view.detail == "none":
        return csv.several([], _counters(audit), view)
    records = tuple(
        (opinion.counter, one.kind, one.operation, one.why, one.macs, one.calls, one.module, one.type, one.row)
        for opinion in audit.opinions
        for one in opinion.differences
    )
    return csv.several([], Table(DIFFERENCES, records, label="counter"), view)


def as_json(audit: Audit, view: View) -> str:
    """All of it: options that cut or group a table change nothing."""
    return msgspec.json.format(msgspec.json.encode(audit), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Audit, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def _about(audit: Audit) -> list[str]:
    scale = [f"scale {audit.variant.scale}"] if audit.variant.scale else []
    return [*scale, *header.about(audit.variant, audit.input)]


def _covered(audit: Audit) -> str:
    """What the exact count is worth."""
    if not audit.unknown:
        return "exact: every operation that ran is counted"
    named = ", ".join(f"{name} {count}×" for name, count in sorted(audit.unknown.items()))
    return f"the exact count is a lower bound: no formula for {named}"


def _counters(audit: Audit) -> Table:
    flops = units.amount(2 * audit.macs, "FLOPs")
    exact: Record = ("exact", audit.tool.version, 2 * audit.macs, "FLOPs", flops, audit.macs, 1.0, audit.seconds, None)
    return Table(
        COUNTERS,
        (
            exact,
            *(
                (one.counter, one.version, one.value, one.unit, says(one), one.macs, one.ratio, one.seconds, one.error)
                for one in audit.opinions
            ),
        ),
        label="counter",
    )


def says(opinion: Opinion) -> str:
    """A counter's figure with its unit, in billions."""
    if opinion.value is None:
        return "nothing, see below"
    unit = opinion.unit.removeprefix("G")
    amount = units.amount(round(_value(opinion)))
    return (
        f"{amount}{unit}" if unit.startswith(("FLOPs", "MACs")) and not amount[-1].isdecimal() else f"{amount} {unit}"
    )


def _value(opinion: Opinion) -> float:
    """A counter's figure in ones."""
    return (opinion.value or 0) * (10**9 if opinion.unit.startswith("G") else 1)


def _explained(audit: Audit, view: View) -> Iterator[tuple[str, Table]]:
    """A heading and a table for each counter whose figure is not the exact count."""
    if view.detail == "none":
        return
    for opinion in audit.opinions:
        if opinion.macs is not None and opinion.differences:
            apart = units.below_or_above(opinion.macs, audit.macs) if audit.macs else "the exact count is nothing"
            yield f"{opinion.counter}: {says(opinion)}, {apart}", _steps(audit, opinion, view)


def _steps(audit: Audit, opinion: Opinion, view: View) -> Table:
    records: list[Record] = [(units.count(audit.macs), None, None, "the exact count")]
    for (operation, why), group in _grouped(opinion.differences):
        what = ", ".join(part for part in (operation, why) if part)
        records.append((sum(one.macs for one in group), None, _calls(group), what))
        if view.detail != "ops":
            records += _parts(audit, group, view)
    total = (units.count(opinion.macs or 0), None, None, f"{opinion.counter} says {_conclusion(opinion)}")
    return Table(STEPS, tuple(records), label="what", total=total)


def _conclusion(opinion: Opinion) -> str:
    """A counter's figure, and what it has to do with its multiply-accumulates."""
    value, macs = round(_value(opinion)), opinion.macs or 0
    if value == macs:
        return says(opinion)
    if value // 2 == macs:
        return f"{says(opinion)}, twice that"
    return f"{units.amount(macs, 'MACs')}, and {says(opinion)}"


def _grouped(differences: Sequence[Difference]) -> list[tuple[tuple[str, str], list[Difference]]]:
    """By operation and reason, the dearest first."""
    groups: defaultdict[tuple[str, str], list[Difference]] = defaultdict(list)
    for one in differences:
        groups[one.operation, one.why].append(one)
    return sorted(groups.items(), key=lambda pair: -abs(sum(one.macs for one in pair[1])))


def _parts(audit: Audit, group: Sequence[Difference], view: View) -> Iterator[Record]:
    """The rows or modules of a group, the dearest first; what is cut is summed up in one more line."""
    names = {row.index: f"row {row.index} {row.module}" for row in audit.rows}
    parts: defaultdict[str, list[Difference]] = defaultdict(list)
    for one in group:
        if one.module is None:
            return
        module = f"{one.module or '(model)'} {one.type or ''}".rstrip()
        parts[names.get(one.row, module) if view.detail == "rows" and one.row is not None else module].append(one)
    ordered = sorted(parts.items(), key=lambda pair: -abs(sum(one.macs for one in pair[1])))
    shown = ordered[: view.top]
    for label, some in shown:
        yield (None, sum(one.macs for one in some), _calls(some), f"  {label}")
    if rest := [one for _, some in ordered[len(shown) :] for one in some]:
        yield (None, sum(one.macs for one in rest), _calls(rest), f"  … {len(ordered) - len(shown)} more")


def _calls(group: Sequence[Difference]) -> int | None:
    return sum(one.calls or 0 for one in group) or None
