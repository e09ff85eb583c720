"""Convolutions made dynamic -> text, JSON, Markdown or CSV: a ranking, the cheapest parameters first, and the whole."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from archprof import units
from archprof.render import csv, header, markdown
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Record, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.records.parameternet import Candidate, Gain, WhatIf
    from archprof.records.profile import Profile
    from archprof.render import View


def _sum(key: str, title: str, show: Callable[[int], str], *, printed: bool = True) -> Column:
    return Column(key, title, show, number=True, adds=True, printed=printed)


CANDIDATES = (
    Column("module", "module", shrinks=16),
    Column("in_channels", "in", number=True),
    Column("out_channels", "out", number=True),
    Column("kernel", "K", units.shape),
    Column("groups", "g", number=True, spare=True),
    Column("stride", "s", units.shape, spare=True),
    Column("output_size", "H'×W'", units.shape, spare=True),
    _sum("parameters", "+params", units.count),
    _sum("parameters_predicted", "predicted", units.count, printed=False),
    _sum("flops", "+FLOPs", units.count),
    _sum("flops_predicted", "predicted", units.count, printed=False),
    _sum("bytes", "+moved", units.size),
    _sum("bytes_predicted", "predicted", units.count, printed=False),
    Column("per_flop", "params/FLOP", lambda value: f"{value:.3f}", number=True),
    Column("per_byte", "params/kB", lambda value: units.ratio(1000 * value), number=True),
)

WHOLE = (
    Column("quantity", "", shrinks=10),
    Column("before", "as it is", number=True),
    Column("predicted", "predicted", number=True, absent=units.ABSENT),
    Column("measured", "measured", number=True),
    Column("ratio", "×", units.factor, number=True),
)


def text(profile: Profile, found: WhatIf, view: View) -> str:
    """For a terminal."""
    style = painter(view.color)
    lines = [
        style(profile.variant.name, "name"),
        *textwrap.wrap(_about(profile, found), view.width, initial_indent="  ", subsequent_indent="  "),
        "",
    ]
    for table in (ranking(found, view), whole(found)):
        lines += [*lay_out(table, view.width, style), ""]
    for sentence in sentences(found):
        lines += textwrap.wrap(sentence, view.width, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def as_markdown(profile: Profile, found: WhatIf, view: View) -> str:
    """For GitHub."""
    lines = [f"### {markdown.escaped(profile.variant.name)}", "", markdown.escaped(_about(profile, found)), ""]
    for table in (ranking(found, view), whole(found)):
        lines += [*markdown.table_lines(table), ""]
    return "\n".join([*lines, *(f"- {markdown.escaped(sentence)}" for sentence in sentences(found))]) + "\n"


def as_csv(profile: Profile, found: WhatIf, view: View) -> str:
    """One line a convolution."""
    return csv.several([], ranking(found, view), view)


def as_json(profile: Profile, found: WhatIf, view: View) -> str:
    """The ranking with what it is of."""
    said = {"variant": profile.variant, "input": profile.input, "what_if": found}
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Profile, WhatIf, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def ranking(found: WhatIf, view: View) -> Table:
    """One line a convolution, the cheapest parameters first."""
    table = Table(CANDIDATES, tuple(map(_record, found.candidates)), label="module")
    return table.top(view.top) if view.top is not None else table


def whole(found: WhatIf) -> Table:
    """The model as it is, and with all of them dynamic."""
    before, after = found.before, found.after

    def record(name: str, key: str, show: Callable[[int], str], gain: str | None = None) -> Record:
        first, last = getattr(before, key), getattr(after, key)
        more = sum(getattr(one, gain).predicted for one in found.candidates) if gain else None
        return (name, show(first), None if more is None else show(first + more), show(last), last / first)

    return Table(
        WHOLE,
        (
            record("parameters", "parameters", units.count, "parameters"),
            record("MACs", "macs", units.count, "macs"),
            record("elementwise", "elementwise_flops", units.count),
            record("bytes moved", "bytes_moved", units.size, "bytes"),
            record("weights", "weight_bytes", units.size),
        ),
        label="quantity",
    )


def sentences(found: WhatIf) -> list[str]:
    """What the tables say, in words."""
    lines = [
        f"{one.module}: {name} {_apart(gain)}"
        for one in found.candidates
        for name, gain in (("parameters", one.parameters), ("MACs", one.macs), ("bytes", one.bytes))
        if gain.predicted != gain.measured
    ]
    return lines or ["predicted and measured are the same whole numbers for every convolution"]


def _apart(gain: Gain) -> str:
    return f"{units.count(gain.predicted)} predicted, {units.count(gain.measured)} measured"


def _about(profile: Profile, found: WhatIf) -> str:
    count = len(found.candidates)
    many = "convolution" if count == 1 else "convolutions"
    experts = "expert" if found.experts == 1 else "experts"
    return " · ".join([*header.title(profile), f"what if {count} {many} had {found.experts} {experts}"])


def _record(one: Candidate) -> Record:
    return (
        one.module,
        one.in_channels,
        one.out_channels,
        one.kernel,
        one.groups,
        one.stride,
        one.output_size,
        one.parameters.measured,
        one.parameters.predicted,
        2 * one.macs.measured,
        2 * one.macs.predicted,
        one.bytes.measured,
        one.bytes.predicted,
        one.per_flop,
        one.per_byte,
    )
