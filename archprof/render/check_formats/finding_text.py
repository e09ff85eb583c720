"""What there is to say of a judgement, in words: the same ones in every format."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from archprof import units
from archprof.budgets.row_attribution import part_of
from archprof.records.metrics import find_metric
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.check_result import Check, Judged, Judgement

_STATES = {
    "error": "not judged",
    "failed": "over budget",
    "warning": "with a warning",
    "unclear": "cannot tell",
    "ok": "within budget",
}
_FLAGS = {"fuse": "fused", "backward": "training", "static": "static twin"}
_SIGNS = {"max": "at most", "min": "at least"}


def amount(value: float, metric: str) -> str:
    """A metric's value as it is quoted: ``8.41 GFLOPs``, ``2,461,081``, ``18.48 MB``."""
    unit = find_metric(metric).unit
    return units.measure(value if unit in (Unit.times, Unit.seconds) else round(value), unit)


def full(value: float, metric: str) -> str:
    """The same with every digit behind it, where the quoted form leaves some out."""
    short = amount(value, metric)
    if not isinstance(value, int) or find_metric(metric).unit is Unit.things:
        return short
    return short if value < 1000 else f"{short} ({value:,})"


def settings(case: Judged) -> str:
    """What a case was built and run with: ``scale n · imgsz 640``."""
    given = {key: value for key, value in case.settings.items() if key not in ("set", *_FLAGS)}
    given |= case.settings.get("set", {})
    named = [word for key, word in _FLAGS.items() if case.settings.get(key)]
    return " · ".join([*(f"{key} {value}" for key, value in given.items()), *named])


def title(case: Judged) -> str:
    """What a case is about, in one line."""
    return " · ".join(filter(None, (case.variant, settings(case))))


def found(one: Judgement) -> str:
    """What was found; what it was before where that is what counts."""
    bound = "at least " if one.lower_bound else ""
    text = bound + full(one.found, one.metric)
    if one.interval:
        text += f", between {units.seconds_between(*one.interval)}"
    if one.kind == "max_increase" and one.base is not None:
        text += f", was {full(one.base, one.metric)}: {_grown(one)}"
    return text


def expected(one: Judgement) -> str:
    """What it is held to: ``at most 8.2 GFLOPs``, ``at most 1 % more than 8.11 GFLOPs``."""
    if one.kind != "max_increase":
        return f"{_SIGNS[one.kind]} {one.limit}"
    if one.base is None:
        return f"at most {one.limit} more than it was"
    if not (one.bound is not None and one.bound > one.base):
        return f"no more than it was, {full(one.base, one.metric)}"
    return f"at most {one.limit} more than it was: {full(one.bound, one.metric)}"


def excess(one: Judgement) -> str:
    """By how much it is beyond the bound."""
    much = "too much" if one.kind != "min" else "too little"
    share = f" ({_percent(one.share)})" if one.bound else ""
    return f"{amount(one.excess, one.metric)}{share} {much}"


def row(one: Judgement, case: Judged) -> str | None:
    """The row that has most to do with it, and where it stands."""
    if one.row is None:
        return None
    where = f" ({case.file}:{one.row.line})" if case.file and one.row.line is not None else ""
    name = f"row {one.row.index} {one.row.module}{where}"
    metric = part_of(one.metric)
    if one.row.why == "dearest" and one.row.value is not None:
        return f"{name} has the most of it, {amount(one.row.value, metric)}"
    more = None
    if one.row.change is not None:
        more = f"{amount(abs(one.row.change), metric)} {'more' if one.row.change >= 0 else 'less'}"
    if one.row.why == "changed":
        said = f"was {one.row.was}, is {one.row.text}" if one.row.was else f"is new: {one.row.text}"
        return f"row {one.row.index}{where} {said}" + (f"; it and what follows have {more}" if more else "")
    return f"{name} has {more} than it had"


def accept(one: Judgement, case: Judged, check: Check) -> str:
    """What to do where the change is meant."""
    name = one.place.rpartition(".")[2]
    if one.kind == "max_increase" and check.locked:
        target = case.file or case.variant
        return f"archprof check --update-lock {shlex.quote(target)}"
    line = f":{one.place_line}" if one.place_line is not None else ""
    return f"change {name}.{one.kind} in {check.config}{line}"


def sentence(one: Judgement, case: Judged) -> str:
    """Everything but the file, in one sentence for a place that has no room for more."""
    parts = [f"{found(one)}; {expected(one)}; {excess(one)}", row(one, case), one.message]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def lines(case: Judged, one: Judgement) -> tuple[str, int | None]:
    """The file and line that a finding points at: the row's, else the top of the file."""
    return case.file or case.variant, one.row.line if one.row else None


def counts(check: Check) -> str:
    """How many cases there are, and what became of them."""
    states = ["ok" if case.state == "unjudged" else case.state for case in check.cases]
    told = [f"{states.count(state)} {word}" for state, word in _STATES.items() if state in states]
    return f"{len(states)} case{'' if len(states) == 1 else 's'}: {', '.join(told)}"


def tightest(case: Judged) -> str:
    """Of a case that holds: which bound is the nearest to not doing so; how many there are, where that is unknown."""
    judged = [one for one in case.judgements if one.state == "ok"]
    used = {one.metric: float(one.found / one.bound) for one in judged if one.kind == "max" and one.bound}
    nearest = max(used, key=lambda name: used[name], default=None)
    if nearest is not None:
        said = f"{nearest} at {_percent(used[nearest])} of its max"
    else:
        said = f"{len(judged)} bound{'s hold' if len(judged) != 1 else ' holds'}" if judged else ""
    unclear = [one for one in case.judgements if one.state == "unclear"]
    notes = dict.fromkeys(one.note or "growth unknown" for one in case.unjudged)
    return "; ".join(filter(None, (said, *map(cannot_tell, unclear), *notes)))


def cannot_tell(one: Judgement) -> str:
    """What there is to say of a latency that may be within its bound or beyond it."""
    why = f" ({one.note})" if one.note else ""
    return f"{one.metric} {found(one)}: cannot tell whether it is {expected(one)}{why}"


def _grown(one: Judgement) -> str:
    assert one.base is not None
    change = one.found - one.base
    sign = "+" if change >= 0 else "-"
    share = f", {sign}{_percent(abs(change) / abs(one.base))}" if one.base else ""
    return f"{sign}{amount(abs(change), one.metric)}{share}"


def _percent(share: float) -> str:
    """A share with two digits that count, however small: ``2.6 %``, ``0.0031 %``."""
    percentage = share * 100
    if percentage >= 10:
        return f"{percentage:,.0f} %" if percentage >= 100 else f"{percentage:.1f} %"
    return f"{percentage:.2g} %"
