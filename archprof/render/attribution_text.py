"""Where a difference comes from, in a sentence. Every line number stands behind the name of the file that it is of."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.metrics import find_metric
from archprof.sources.files import WEIGHTS
from archprof.units import Unit

if TYPE_CHECKING:
    from archprof.records.comparison import Cause, Change, Delta, Difference, Edit, Explanation, Pair, Side

MAIN_SHARE = 0.5
"""The share of a difference from which on one cause is said to have made most of it."""

OPPOSITE_SHARE = 0.1
"""What goes down over what goes up, or the other way round, from which on both are spoken of."""

NOTABLE = 0.005
"""The share of a difference below which nothing is said of a part of it."""

_MAX_NAMES = 3

_EDITS = {
    "stride": "changed from stride {0} to {1}",
    "channels": "changed from {0} to {1} channels",
    "repeats": "changed from {0} to {1} repeats",
    "arguments": "changed from {0} to {1}",
}


def attribution_text(pair: Pair, before: Side, after: Side) -> list[str]:
    """What made the difference in each metric that is explained, in one sentence where one thing made all of them.

    Args:
        pair: Two models of a comparison.
        before: The first of them.
        after: The other one.
    """
    names = _Names(pair, before, after)
    shares: dict[str, list[str]] = {}
    for explanation in pair.explanations:
        subject, share = _sentence(names, explanation)
        shares.setdefault(subject, []).append(share)
    return [f"{subject}: {', and '.join(parts)}" for subject, parts in shares.items()]


def changed_by(delta: Delta) -> str:
    """How much a metric changed, in a few words: ``flops changed by +72.65 MFLOPs, ×3.999``."""
    ratio = "" if delta.ratio is None else f", {units.factor(delta.ratio)}"
    return f"{delta.metric} changed by {units.difference(delta.difference or 0, Unit(delta.unit))}{ratio}"


def sources(value: list[int]) -> str:
    """The rows that a row reads."""
    return ",".join(map(str, value))


def differs(difference: Difference) -> str:
    """Something beside the rows that differs: ``scale n → s``."""
    return f"{difference.name} {difference.before} → {difference.after}"


def _file_name(side: Side) -> str:
    """The path that was typed, or the name alone where the file lies where something is installed."""
    path = side.variant.path
    if path is None:
        return side.name
    return PurePath(path).name if PurePath(path).is_absolute() else path


class _Names:
    """Two models' parts and differences by name, each with its line and the file that the line is of."""

    def __init__(self, pair: Pair, before: Side, after: Side) -> None:
        self.pair = pair
        self.files = [_file_name(side) for side in (before, after)]

    def happened(self, cause: Cause) -> str:
        """What was changed, in a few words."""
        if cause.difference is not None:
            return self._difference(self.pair.differences[cause.difference])
        assert cause.change is not None  # it is of one of the two
        change = self.pair.changes[cause.change]
        name = self.part(change)
        heads = self._heads(cause)
        if change.mark == "-":
            return self._removed(change, heads)
        if change.mark == "+":
            return f"{name} was added{self._in_brackets(1, change.part.line)}{heads}"
        if not change.edits:
            if self.pair.parts == "modules":
                return name
            if checkpoint := next((file for file in self.files if PurePath(file).suffix in WEIGHTS), None):
                return f"{name} says the same in both files, and its tensors in {checkpoint} have other shapes"
            return f"{name} is the same in both files, so its block's code must have changed"
        return f"{name} {self._edit(change.edits[0])}{self._in_brackets(1, change.part.line)}{heads}"

    def _removed(self, change: Change, heads: str) -> str:
        """A row that is gone has a number in the other file only, so that does not go before its name."""
        part = change.part
        if self.pair.parts == "modules":
            return f"{self.part(change)} was removed"
        return f"{part.module} was removed (row {part.index} of {self._where(0, part.line)}){heads}"

    def _heads(self, cause: Cause) -> str:
        """Which detection heads have another class branch by it."""
        names = [self.part(self.pair.changes[index]) for index in cause.light_head]
        any_lost = any(_gave(self.pair, index) for index in cause.light_head)
        return f", so that {', '.join(names)} {'loses' if any_lost else 'gets'} its light class branch" if names else ""

    def part(self, change: Change) -> str:
        """A row by the number that it has in the file whose line is named with it, or a module by its path."""
        part = change.part
        if self.pair.parts == "rows":
            return f"row {part.index} {part.module}"
        return f"{part.path or 'the model itself'} ({part.module})"

    def _edit(self, edit: Edit) -> str:
        if edit.field == "module":
            return f"was {edit.before}"
        if edit.field == "from" and edit.before == edit.after:
            return f"reads other rows by the same numbers ({sources(edit.after)})"
        if edit.field == "from":
            return f"reads {sources(edit.after)}, where it read {sources(edit.before)} of {self.files[0]}"
        return _EDITS[edit.field].format(_value(edit.before), _value(edit.after))

    def _difference(self, difference: Difference) -> str:
        lines = (difference.before_line, difference.after_line)
        if lines == (None, None):
            return differs(difference)
        side = 0 if difference.after_line is None else 1
        where = self._in_brackets(side, lines[side])
        return f"{difference.name} changed from {difference.before} to {difference.after}{where}"

    def _in_brackets(self, side: int, line: int | None) -> str:
        return "" if line is None else f" ({self._where(side, line)})"

    def _where(self, side: int, line: int | None) -> str:
        """A line and its file; of a file that is both models', also which of the two."""
        when = ("", "") if self.files[0] != self.files[1] else (", before", ", after")
        return f"{self.files[side]}{'' if line is None else f':{line}'}{when[side]}"


def _sentence(names: _Names, explanation: Explanation) -> tuple[str, str]:
    """What happened, and how much of the difference comes of it."""
    amount = _amount(explanation, explanation.difference)
    if not explanation.causes:
        return f"nothing in the {names.pair.parts}", f"the {amount} is outside of them"
    first = explanation.causes[0]
    if MAIN_SHARE <= first.total / explanation.difference <= 1 + NOTABLE:
        return names.happened(first), _of_it(explanation, first, amount)
    smaller, larger = sorted((explanation.gains, -explanation.losses))
    opposite = smaller > OPPOSITE_SHARE * larger
    causes = sorted(explanation.causes, key=lambda cause: -abs(cause.exclusive)) if opposite else explanation.causes
    parts = [
        f"{names.happened(cause)} ({_part(explanation, cause.exclusive, opposite)})" for cause in causes[:_MAX_NAMES]
    ]
    if len(causes) > _MAX_NAMES:
        rest = sum(cause.exclusive for cause in causes[_MAX_NAMES:])
        parts.append(f"{len(causes) - _MAX_NAMES} more ({_part(explanation, rest, opposite)})")
    if abs(explanation.shared) >= NOTABLE * abs(explanation.difference):
        parts.append(f"what follows from several of them ({_part(explanation, explanation.shared, opposite)})")
    if abs(explanation.outside) >= NOTABLE * abs(explanation.difference):
        parts.append(f"outside the {names.pair.parts} ({_part(explanation, explanation.outside, opposite)})")
    return f"{_counted(names.pair, causes)} account for {amount}", "; ".join(parts)


def _counted(pair: Pair, causes: list[Cause]) -> str:
    """``7 changed rows``, ``2 changes`` where some of them are beside the rows."""
    if any(cause.difference is not None for cause in causes):
        return f"{len(causes)} changes"
    return f"{len(causes)} changed {pair.parts}"


def _part(explanation: Explanation, part: int, opposite: bool) -> str:
    """A part of a difference: its share, or its amount where others took the opposite way."""
    return _amount(explanation, part) if opposite else units.whole_percent(part / explanation.difference)


def _of_it(explanation: Explanation, cause: Cause, amount: str) -> str:
    """How much of a difference one cause makes: itself, and by what follows from it."""
    following = cause.downstream + cause.shared
    own, downstream = (units.whole_percent(part / explanation.difference) for part in (cause.own, following))
    with_others = " and of other changes" if cause.shared and len(explanation.causes) > 1 else ""
    if abs(following) < NOTABLE * abs(explanation.difference):
        return f"{own} of the {amount}"
    if abs(cause.own) < NOTABLE * abs(explanation.difference):
        return f"{downstream} of the {amount} is downstream of it{with_others}"
    return f"{downstream} of the {amount} is downstream of it{with_others}, {own} its own"


def _gave(pair: Pair, head: int) -> bool:
    """Whether a row above a detection head gave it the light class branch before."""
    return any(change.before and change.before.light_head == "gives" for change in pair.changes[:head])


def _value(value: Any) -> str:
    return value if isinstance(value, str) else units.literal(value)


def _amount(explanation: Explanation, amount: int) -> str:
    metric = find_metric(explanation.metric)
    text = units.difference(amount, metric.unit)
    return text if metric.name == "flops" else f"{text} {metric.label}"
