"""Where a difference comes from, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.analyse.metrics import Unit, find_metric
from archprof.render import units

if TYPE_CHECKING:
    from archprof.analyse.comparison import Cause, Change, Delta, Difference, Edit, Explanation, Pair

MOST = 0.5
"""The share of a difference from which on one cause is said to have made most of it."""

MIXED = 0.1
"""What goes down over what goes up, or the other way round, from which on both are spoken of."""

NOTABLE = 0.005
"""The share of a difference below which nothing is said of a part of it."""

EDITED = ("+", "-", "~")
"""The marks of rows that were changed in the file."""

_NAMED = 3

_EDITS = {
    "module": "was {0} and is {1}",
    "stride": "changed from stride {0} to {1}",
    "channels": "changed from {0} to {1} channels",
    "repeats": "changed from {0} to {1} repeats",
    "arguments": "changed from {0} to {1}",
    "from": "reads {1} and read {0}",
}


def sentences(pair: Pair) -> list[str]:
    """One sentence for each metric that is explained; one for all where it is no row that made the difference."""
    if pair.parts == "rows" and pair.differences and not any(change.mark in EDITED for change in pair.changes):
        made = " and ".join(_amount(one, one.difference) for one in pair.explanations)
        return [f"no row was changed: {' and '.join(map(differs, pair.differences))} makes the {made}"]
    return [_sentence(pair, one) for one in pair.explanations]


def changed_by(delta: Delta) -> str:
    """How much a metric changed, in a few words: ``flops changed by +72.65 MFLOPs, ×3.999``."""
    ratio = "" if delta.ratio is None else f", {units.factor(delta.ratio)}"
    return f"{delta.metric} changed by {units.difference(delta.difference or 0, Unit(delta.unit))}{ratio}"


def sources(value: list[int]) -> str:
    """The rows that a row reads."""
    return ",".join(map(str, value))


def differs(difference: Difference) -> str:
    """Something beside the rows that differs: ``scale n → s``."""
    return f"{difference.what} {difference.before} → {difference.after}"


def _sentence(pair: Pair, why: Explanation) -> str:
    said = _amount(why, why.difference)
    if not why.causes:
        return f"the {said} is outside the {pair.parts}"
    first = why.causes[0]
    share = first.whole / why.difference
    if MOST <= share <= 1 + NOTABLE:
        return f"{_happened(pair, first)}: {_of_it(why, first, said)}"
    smaller, larger = sorted((why.gains, -why.losses))
    if smaller > MIXED * larger:
        return _both_ways(pair, why, said)
    named = [f"{_happened(pair, one)} ({units.whole_percent(one.whole / why.difference)})" for one in why.causes]
    more = len(why.causes) - _NAMED
    rest = f"; {more} more" if more > 0 else ""
    return f"{len(why.causes)} changed {pair.parts} make the {said}: {'; '.join(named[:_NAMED])}{rest}"


def _of_it(why: Explanation, cause: Cause, said: str) -> str:
    own, downstream = cause.own / why.difference, cause.downstream / why.difference
    if abs(downstream) < NOTABLE:
        return f"{units.whole_percent(own)} of the {said}"
    if abs(own) < NOTABLE:
        return f"{units.whole_percent(downstream)} of the {said} is downstream of it"
    return f"{units.whole_percent(downstream)} of the {said} is downstream of it, {units.whole_percent(own)} its own"


def _both_ways(pair: Pair, why: Explanation, said: str) -> str:
    """Of a difference in which a good part of what some rows add others take away."""
    most, least = why.causes[0], why.causes[-1]
    up, down = (most, least) if most.whole > least.whole else (least, most)
    text = f"{_amount(why, why.gains)} and {_amount(why, why.losses)} make the {said}: the largest are"
    return f"{text} {_short(pair, up)} ({_amount(why, up.whole)}) and {_short(pair, down)} ({_amount(why, down.whole)})"


def _short(pair: Pair, cause: Cause) -> str:
    change = pair.changes[cause.change]
    return _happened(pair, cause) if change.mark in EDITED else _name(pair, change)


def _happened(pair: Pair, cause: Cause) -> str:
    """What became of a part, in a few words."""
    change = pair.changes[cause.change]
    name = _name(pair, change)
    if change.mark in ("+", "-"):
        return f"{name} was {'added' if change.mark == '+' else 'removed'}"
    if not change.edits:
        return f"{name} is the same in the file" if pair.parts == "rows" else name
    edit = change.edits[0]
    return f"{name} {_EDITS[edit.what].format(_value(edit, edit.before), _value(edit, edit.after))}"


def _value(edit: Edit, value: Any) -> str:
    return sources(value) if edit.what == "from" else value if isinstance(value, str) else units.literal(value)


def _name(pair: Pair, change: Change) -> str:
    part = change.part
    if pair.parts == "rows":
        changed = any(edit.what == "module" for edit in change.edits)
        return f"row {part.index}" if changed else f"row {part.index} {part.module}"
    return f"{part.path or 'the model itself'} ({part.module})"


def _amount(why: Explanation, amount: int) -> str:
    metric = find_metric(why.metric)
    text = units.difference(amount, metric.unit)
    return text if metric.name == "flops" else f"{text} {metric.label}"
