"""A comparison -> text, Markdown, CSV or JSON: two models in full, or a table of several."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from archprof.compare.pareto import axes
from archprof.records.metrics import find_metric
from archprof.render import changes, csv, header, markdown
from archprof.render import text as plain
from archprof.render.attribution_text import differs, sentences
from archprof.render.layout import lay_out, painter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archprof.records.comparison import Comparison, Pair, Side
    from archprof.render import View
    from archprof.render.header import Fact
    from archprof.render.table import Table


def text(comparison: Comparison, view: View) -> str:
    """For a terminal."""
    paint = painter(view.color)
    lines = plain.fact_lines(_facts(comparison), view.width, paint)
    for table in _tables(comparison, view, above=True):
        lines += ["", *lay_out(table, view.width, paint)]
    if remarks := _remarks(comparison):
        lines.append("")
    for remark in remarks:
        lines += _wrapped(remark, view.width)
    for table in _tables(comparison, view, above=False):
        lines += ["", *lay_out(table, view.width, paint)]
    return "\n".join(lines) + "\n"


def _wrapped(sentence: str, width: int) -> list[str]:
    """The lines of a sentence; no number is parted from its percent sign."""
    tied = sentence.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.wrap(tied, width, subsequent_indent="  ", break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def as_markdown(comparison: Comparison, view: View) -> str:
    """For a pull request: what comes first is what is read."""
    lines = [f"### {markdown.escaped(_title(comparison))}", ""]
    lines += [f"**{markdown.escaped(remark)}**\n" for remark in _remarks(comparison)]
    lines += [*markdown.fact_lines(_facts(comparison))]
    for table in _tables(comparison, view, above=True):
        lines += ["", *markdown.table_lines(table)]
    for table in _tables(comparison, view, above=False):
        summary = f"{len(table.records)} {comparison.pairs[0].parts}"
        lines += ["", f"<details><summary>{summary}</summary>", "", *markdown.table_lines(table), "", "</details>"]
    return "\n".join(lines) + "\n"


def as_csv(comparison: Comparison, view: View) -> str:
    """Of two models one line a row that changed, or a metric without details; of several one line a model."""
    pair = _only(comparison)
    if pair is None:
        return csv.several([], changes.models(comparison, raw=True), view)
    tables = list(_tables(comparison, view, above=False))
    return csv.several([], tables[0] if tables else changes.raw_metrics(pair), view)


def as_json(comparison: Comparison, view: View) -> str:
    """Everything, whatever the view leaves out."""
    return comparison.to_json() + "\n"


FORMATS: Mapping[str, Callable[[Comparison, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def _only(comparison: Comparison) -> Pair | None:
    return comparison.pairs[0] if len(comparison.pairs) == 1 else None


def _title(comparison: Comparison) -> str:
    names = [side.name for side in comparison.models]
    return " → ".join(names) if len(names) == 2 else ", ".join(names)


def _tables(comparison: Comparison, view: View, *, above: bool) -> Iterator[Table]:
    """What stands above the sentences that say why, and what stands below."""
    pair = _only(comparison)
    if above:
        yield changes.models(comparison) if pair is None else changes.metrics(pair)
    elif pair and pair.parts != "none" and view.detail != "none":
        table = changes.changes(pair, everything=view.detail == "all")
        if table.records:
            yield table.largest("flops", "parameters").top(view.top) if view.top else table


def _facts(comparison: Comparison) -> list[Fact]:
    """What is compared, on what, and in what it differs beside the rows."""
    models, pair = comparison.models, _only(comparison)
    labels = ("before", "after") if pair else ("", *[""] * (len(models) - 1))
    kinds = [_kind(side) for side in models]
    shared = all(kind == kinds[0] for kind in kinds)
    facts: list[Fact] = []
    if pair:
        for label, side, kind in zip(labels, models, kinds, strict=True):
            facts.append((label, [side.name] if shared else [side.name, " · ".join(kind)]))
    if shared:
        facts.append(("both" if pair else "all", [" · ".join(kinds[0])]))
    for one in comparison.pairs:
        name = [] if pair else [f"{models[one.after].name}:"]
        apart = [difference for difference in one.differences if not difference.comparable]
        beside = [difference for difference in one.differences if difference.comparable]
        if apart:
            facts.append(("! differs", [*name, *map(differs, apart), "so the figures are not of the same thing"]))
        if beside:
            facts.append(("differs", [*name, *map(differs, beside)]))
    return facts + [fact for side in models for fact in _unknown(side)]


def _kind(side: Side) -> list[str]:
    if side.input is None:
        return [
            side.variant.name,
            *(one.replace("=", " ") for one in (side.locked or "").split(" ") if one),
            "as locked",
        ]
    scale = [f"scale {side.variant.scale}"] if side.variant.scale else []
    return [*scale, *header.about(side.variant, side.input), *(["training"] if side.training else [])]


def _unknown(side: Side) -> Iterator[Fact]:
    if side.unknown:
        named = [f"{name} {count}×" for name, count in sorted(side.unknown.items())]
        yield "no formula", [f"{side.name}:", *named, "(its totals are lower bounds, and so no difference is certain)"]


def _remarks(comparison: Comparison) -> list[str]:
    """The sentences that say why, or what the marks of several models mean."""
    pair = _only(comparison)
    if pair is None:
        return [_front(comparison)]
    notes = list(dict.fromkeys(f"{delta.metric}: {delta.note}" for delta in pair.metrics if delta.note))
    return [*_attributions(comparison, pair), *notes]


def _attributions(comparison: Comparison, pair: Pair) -> list[str]:
    if all(not delta.difference for delta in pair.metrics if find_metric(delta.metric).exact):
        return ["no figure differs"]
    if pair.parts == "none" and any(side.locked for side in comparison.models):
        return ["the lock file holds no rows of it: no row-by-row comparison"]
    if pair.parts == "none":
        return ["one of them has rows and the other has none: no row-by-row comparison"]
    return sentences(pair, comparison.models[pair.before], comparison.models[pair.after])


def _front(comparison: Comparison) -> str:
    found = axes(comparison.front.x, comparison.front.y)
    said = [f"{metric.label} ({'less' if lower else 'more'} is better)" for metric, lower in found]
    return f"* on the Pareto front of {' and '.join(said)}"
