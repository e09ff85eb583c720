"""What there is to say of a judgement, in words: the same ones in every format."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from archprof import units
from archprof.budgets.row_attribution import part_of
from archprof.records.metrics import find_metric
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.check_result import Attribution, Check, Judged, Judgement

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


def attribution(one: Judgement, case: Judged) -> str | None:
    """What of the YAML has most to do with it, and where it stands."""
    cause = one.attribution
    if cause is None:
        return None
    where = f" ({case.file}:{cause.line})" if case.file and cause.line is not None else ""
    metric = part_of(one.metric)
    if cause.key is not None:
        return f"{cause.key}{where} was {cause.before}, is {cause.after}{_accounts(cause, metric)}"
    name = f"row {cause.row} {cause.module}{where}"
    if cause.reason == "largest":
        return f"{name} has the most of it, {amount(cause.value or 0, metric)}"
    if cause.reason == "grew":
        return f"{name} says the same as before, and has grown most{_accounts(cause, metric)}"
    texts = {
        "added": f"row {cause.row}{where} is new: {cause.after}",
        "changed": f"row {cause.row}{where} was {cause.before}, is {cause.after}",
        "removed": f"{cause.before} was removed, row {cause.row} before",
    }
    heads = ", ".join(f"row {head}" for head in cause.light_head)
    branch = f", which changes the class branch of {heads}" if heads else ""
    return texts[cause.reason] + branch + _accounts(cause, metric)


def _accounts(cause: Attribution, metric: str) -> str:
    if cause.change is None:
        return ""
    share = "" if cause.share is None else f", {units.whole_percent(cause.share)} of the growth"
    return f"; it accounts for {units.difference(cause.change, find_metric(metric).unit)}{share}"


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
    parts = [f"{found(one)}; {expected(one)}; {excess(one)}", attribution(one, case), one.message]
    return ". ".join(" ".join(part.split()).rstrip(".") for part in parts if part)


def lines(case: Judged, one: Judgement) -> tuple[str, int | None]:
    """The file and line that a finding points at: the row's, else the top of the file."""
    return case.file or case.variant, one.attribution.line if one.attribution else None


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
