"""Where a difference comes from, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import find_metric
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.comparison import Cause, Change, Delta, Difference, Edit, Explanation, Pair

MOST = 0.5
"""The share of a difference from which on one cause is named as what made most of it."""

MIXED = 0.1
"""What goes down over what goes up, or the other way round, from which on both are told."""

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


def attribution_text(pair: Pair) -> list[str]:
    """What made the difference in each metric that is explained, in one sentence where one thing made all of them."""
    if pair.parts == "rows" and pair.differences and not any(change.mark in EDITED for change in pair.changes):
        amounts = [_amount(explanation, explanation.difference) for explanation in pair.explanations]
        causes, verb = [differs(difference) for difference in pair.differences], "accounts"
        if len(causes) > 1:
            verb = "account"
        return [f"no row was changed: {' and '.join(causes)} {verb} for the {' and '.join(amounts)}"]
    shares: dict[str, list[str]] = {}
    for explanation in pair.explanations:
        event, share = _sentence(pair, explanation)
        shares.setdefault(event, []).append(share)
    return [f"{event}: {', and '.join(of_event)}" for event, of_event in shares.items()]


def changed_by(delta: Delta) -> str:
    """How much a metric changed: ``flops changed by +72.65 MFLOPs, ×3.999``."""
    ratio = "" if delta.ratio is None else f", {units.factor(delta.ratio)}"
    return f"{delta.metric} changed by {units.difference(delta.difference or 0, Unit(delta.unit))}{ratio}"


def sources(indices: list[int]) -> str:
    """The rows that a row reads."""
    return ",".join(map(str, indices))


def differs(difference: Difference) -> str:
    """Something beside the rows that differs: ``scale n → s``."""
    return f"{difference.what} {difference.before} → {difference.after}"


def _sentence(pair: Pair, explanation: Explanation) -> tuple[str, str]:
    """What happened, and how much of the difference comes of it."""
    amount = _amount(explanation, explanation.difference)
    if not explanation.causes:
        return f"nothing in the {pair.parts}", f"the {amount} is outside of them"
    first = explanation.causes[0]
    if MOST <= first.whole / explanation.difference <= 1 + NOTABLE:
        return _event(pair, first), _of_it(explanation, first, amount)
    smaller, larger = sorted((explanation.gains, -explanation.losses))
    mixed = smaller > MIXED * larger
    causes = explanation.causes
    ordered = sorted(causes, key=lambda cause: -abs(cause.whole)) if mixed else causes
    named = [f"{_event(pair, cause)} ({_part(explanation, cause, mixed)})" for cause in ordered[:_NAMED]]
    rest = [f"{len(ordered) - _NAMED} more"] if len(ordered) > _NAMED else []
    count = units.plural(len(ordered), f"changed {pair.parts[:-1]}")
    return f"{count} account{'s' if len(ordered) == 1 else ''} for the {amount}", "; ".join([*named, *rest])


def _part(explanation: Explanation, cause: Cause, mixed: bool) -> str:
    """A cause's part of a difference: its share, or its amount where others took the opposite way."""
    if mixed:
        return _amount(explanation, cause.whole)
    return units.whole_percent(cause.whole / explanation.difference)


def _of_it(explanation: Explanation, cause: Cause, amount: str) -> str:
    own, downstream = (units.whole_percent(part / explanation.difference) for part in (cause.own, cause.downstream))
    if abs(cause.downstream) < NOTABLE * abs(explanation.difference):
        return f"{own} of the {amount}"
    if abs(cause.own) < NOTABLE * abs(explanation.difference):
        return f"{downstream} of the {amount} is downstream of it"
    return f"{downstream} of the {amount} is downstream of it, {own} its own"


def _event(pair: Pair, cause: Cause) -> str:
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


def _amount(explanation: Explanation, amount: int) -> str:
    metric = find_metric(explanation.metric)
    text = units.difference(amount, metric.unit)
    return text if metric.name == "flops" else f"{text} {metric.label}"
