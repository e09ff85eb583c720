"""Where a difference comes from, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import find_metric
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.comparison import Cause, Change, Delta, Difference, Edit, Explanation, Pair

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
    "from": "reads {1} instead of {0}",
}


def sentences(pair: Pair) -> list[str]:
    """What made the difference in each metric that is explained, in one sentence where one thing made all of them."""
    if pair.parts == "rows" and pair.differences and not any(change.mark in EDITED for change in pair.changes):
        made = " and ".join(_amount(one, one.difference) for one in pair.explanations)
        return [f"no row was changed: {' and '.join(map(differs, pair.differences))} makes the {made}"]
    said: dict[str, list[str]] = {}
    for why in pair.explanations:
        what, share = _sentence(pair, why)
        said.setdefault(what, []).append(share)
    return [f"{what}: {', and '.join(shares)}" for what, shares in said.items()]


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


def _sentence(pair: Pair, why: Explanation) -> tuple[str, str]:
    """What happened, and how much of the difference comes of it."""
    said = _amount(why, why.difference)
    if not why.causes:
        return f"nothing in the {pair.parts}", f"the {said} is outside of them"
    first = why.causes[0]
    if MOST <= first.whole / why.difference <= 1 + NOTABLE:
        return _happened(pair, first), _of_it(why, first, said)
    smaller, larger = sorted((why.gains, -why.losses))
    mixed = smaller > MIXED * larger
    ordered = sorted(why.causes, key=lambda cause: -abs(cause.whole)) if mixed else why.causes
    named = [f"{_happened(pair, one)} ({_part(why, one, mixed)})" for one in ordered[:_NAMED]]
    rest = [f"{len(ordered) - _NAMED} more"] if len(ordered) > _NAMED else []
    return f"{len(ordered)} changed {pair.parts} make the {said}", "; ".join([*named, *rest])


def _part(why: Explanation, cause: Cause, mixed: bool) -> str:
    """A cause's part of a difference: its share, or its amount where others took the opposite way."""
    return _amount(why, cause.whole) if mixed else units.whole_percent(cause.whole / why.difference)


def _of_it(why: Explanation, cause: Cause, said: str) -> str:
    own, downstream = (units.whole_percent(part / why.difference) for part in (cause.own, cause.downstream))
    if abs(cause.downstream) < NOTABLE * abs(why.difference):
        return f"{own} of the {said}"
    if abs(cause.own) < NOTABLE * abs(why.difference):
        return f"{downstream} of the {said} is downstream of it"
    return f"{downstream} of the {said} is downstream of it, {own} its own"


def _happened(pair: Pair, cause: Cause) -> str:
    """What became of a part, in a few words."""
    change = pair.changes[cause.change]
    name = _name(pair, change)
    if change.mark in ("+", "-"):
        return f"{name} was {'added' if change.mark == '+' else 'removed'}"
    if not change.edits:
        return f"{name} is the same in the file" if pair.parts == "rows" else name
    edit = change.edits[0]
    if edit.what == "from" and edit.before == edit.after:
        return f"{name} reads other rows by the same numbers ({sources(edit.after)})"
    return f"{name} {_EDITS[edit.what].format(_value(edit, edit.before), _value(edit, edit.after))}"


def _value(edit: Edit, value: Any) -> str:
    return sources(value) if edit.what == "from" else value if isinstance(value, str) else units.literal(value)


def _name(pair: Pair, change: Change) -> str:
    part = change.part
    name = f"row {part.index}" if pair.parts == "rows" else part.path or "the model itself"
    if any(edit.what == "module" for edit in change.edits):
        return name
    return f"{name} {part.module}" if pair.parts == "rows" else f"{name} ({part.module})"


def _amount(why: Explanation, amount: int) -> str:
    metric = find_metric(why.metric)
    text = units.difference(amount, metric.unit)
    return text if metric.name == "flops" else f"{text} {metric.label}"
