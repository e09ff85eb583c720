"""Bars from one total to another, each step from where the last one ended, so that they add up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.render.figures.style import LESS, MORE, OTHER, TOTAL, VEGA_LITE, amounts, prefix, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.render.figures import Spec

MOST = 8
"""Steps that are drawn by themselves; the smaller ones are one more."""

LONGEST = 46
"""Characters of a step's label."""

KINDS = {"total": TOTAL, "less": LESS, "more": MORE, "unexplained": OTHER}

Mark = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its label, its kind, and its parts, each with the row that it is of, where that is known."""

    label: str
    kind: str
    parts: Sequence[tuple[str, int | None, int]] = ()

    @property
    def amount(self) -> int:
        """What it changes."""
        return sum(amount for _, _, amount in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The way from one total to another, in single operations.

    Attributes:
        start: The total that it begins with.
        end: That which it ends with.
        start_label: What the first is called.
        end_label: What the last is called.
        unit: What is counted.
        steps: What leads from one to the other.
        published: The figure that was printed, to be marked.
    """

    start: int
    end: int
    start_label: str
    end_label: str
    unit: str
    steps: Sequence[Step] = field(default_factory=tuple)
    published: float | None = None

    def adding_up(self, smaller: str = "others") -> Steps:
        """The same with the largest steps by themselves, the others of a kind in one, and what is left in one more."""
        ordered = sorted((step for step in self.steps if step.amount), key=lambda step: -abs(step.amount))
        steps, rest = ordered[:MOST], ordered[MOST:]
        for kind in ("less", "more", "unexplained"):
            group = [step for step in rest if step.kind == kind]
            if len(group) < 2:
                steps += group
            else:
                parts = [(step.label, None, step.amount) for step in group]
                steps.append(Step(f"{len(group)} {smaller}, {kind}", kind, parts))
        steps.sort(key=lambda step: (list(KINDS).index(step.kind), -abs(step.amount)))
        if left := self.end - self.start - sum(step.amount for step in steps):
            steps.append(Step("not explained", "unexplained", [("", None, left)]))
        return replace(self, steps=steps)

    def marks(self) -> list[Mark]:
        """The parts of all bars, from the first total down, each from where the one before it ended."""
        level, result = self.start, [_total(self.start_label, self.start)]
        for step in self.steps:
            label = {"step": printable(step.label, LONGEST), "kind": step.kind}
            for part, row, amount in sorted(step.parts, key=lambda entry: -abs(entry[2])):
                span = {"part": printable(part), "row": row, "amount": amount, "start": level, "end": level + amount}
                result.append(label | span)
                level += amount
        return [*result, _total(self.end_label, self.end)]

    def labels(self) -> list[Mark]:
        """What is written at each bar: of a total inside, from 0 on, else behind it."""
        level, factor = self.start, prefix(max(abs(self.start), abs(self.end)))[0]
        result = [_label(self.start_label, 0, self._amount(self.start))]
        for step in self.steps:
            edge = max(level, level + step.amount)
            level += step.amount
            sign = "−" if step.amount < 0 else "+"
            result.append(_label(step.label, edge, f"{sign}{abs(step.amount) / factor:,.3f}"))
        distance = [units.change(self.end / self.start).replace("-", "−")] if self.start else []
        text = ", ".join([self._amount(self.end), *distance])
        return [*result, _label(self.end_label, 0, text)]

    def _amount(self, number: int) -> str:
        """A total with its unit: ``8.11 GFLOPs``; ``2.46 M parameters``."""
        return f"{units.amount(number)} {self.unit}" if self.unit.islower() else units.amount(number, self.unit)

    def text(self) -> str:
        """The steps in a sentence."""
        return "; ".join(f"{entry['step']} {entry['text']}" for entry in self.labels()) + "."

    def spec(self) -> Spec:
        """The bars."""
        marks = self.marks()
        most = max(max(mark["start"], mark["end"]) for mark in marks)
        horizontal = {
            "type": "quantitative",
            "scale": {"domain": [0, 1.2 * most], "nice": False},
            "axis": {**amounts(most, self.unit), "values": ticks(most)},
        }
        bars = {
            "name": "steps",
            "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.3},
            "encoding": {
                "x": {"field": "start", **horizontal},
                "x2": {"field": "end"},
                "color": {
                    "field": "kind",
                    "scale": {"domain": list(KINDS), "range": list(KINDS.values())},
                    "legend": None,
                },
                "tooltip": [
                    {"field": "step"},
                    {"field": "part"},
                    {"field": "amount", "format": ",d", "title": self.unit},
                ],
            },
        }
        texts = [
            {
                "data": {"values": [label for label in self.labels() if (label["edge"] == 0) is inside]},
                "mark": {"type": "text", "align": "left", "dx": 4, **({"fill": "white"} if inside else {})},
                "encoding": {"x": {"field": "edge", "type": "quantitative"}, "text": {"field": "text"}},
            }
            for inside in (True, False)
        ]
        axis = {"title": None, "ticks": False}
        return {
            "$schema": VEGA_LITE,
            "height": 21 * (len(self.steps) + 2),
            "data": {"values": marks},
            "encoding": {"y": {"field": "step", "type": "nominal", "sort": None, "axis": axis}},
            "layer": [*self._published(), bars, *texts],
        }

    def _published(self) -> list[dict[str, Any]]:
        if self.published is None:
            return []
        text = f"published: {self.published / 10**9:g} G{self.unit}"
        data = {"values": [{"value": self.published, "text": text}]}
        x = {"x": {"field": "value", "type": "quantitative"}, "y": None}
        label = {"y": {"value": -4}, "text": {"field": "text"}}
        return [
            {"data": data, "name": "published", "mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": x},
            {"data": data, "mark": {"type": "text", "baseline": "bottom"}, "encoding": {**x, **label}},
        ]


def _total(label: str, amount: int) -> Mark:
    name = {"step": printable(label, LONGEST), "kind": "total", "part": "", "row": None}
    return name | {"amount": amount, "start": 0, "end": amount}


def _label(step: str, edge: int, text: str) -> Mark:
    return {"step": printable(step, LONGEST), "edge": edge, "text": text}


def ticks(most: float) -> list[float]:
    """Where the axis has numbers: round steps from 0 up to the largest."""
    power = 10 ** (len(str(max(int(most), 1))) - 1)
    step = next(step for step in (0.2 * power, 0.5 * power, power, 2 * power) if most / step <= 6)
    return [round(index * step) for index in range(int(most / step) + 1)]
