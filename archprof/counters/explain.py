"""From the exact count to a counter's figure, module by module: what it misses, repeats, and adds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.records.audit import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archprof.counters.interface import Item
    from archprof.records.audit import Kind

NOT_COUNTED = "not counted"
ADDS = "adds"
ONE_IMAGE = "in the other images of the batch"
TOO_HIGH = "counted too high"
TOO_LOW = "counted too low"


@dataclass(frozen=True, slots=True)
class Cost:
    """The multiply-accumulates of one operation in one module, and how often it ran there."""

    macs: int
    calls: int
    convolution: bool


@dataclass(frozen=True, slots=True)
class Exact:
    """The exact count, part by part.

    Attributes:
        costs: Module's path -> operation -> what it cost there.
        types: Module's path -> its class.
        biases: Module's path -> how many elements its bias is added to.
        rows: Module's path -> the row of the YAML that made it.
    """

    costs: Mapping[str, Mapping[str, Cost]]
    types: Mapping[str, str] = field(default_factory=dict)
    biases: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def macs(self) -> int:
        """The whole model's."""
        return sum(cost.macs for costs in self.costs.values() for cost in costs.values())

    def difference(
        self, kind: Kind, operation: str, why: str, macs: int, *, module: str | None = None, calls: int | None = None
    ) -> Difference:
        """A difference in a module."""
        return Difference(
            kind=kind,
            operation=operation,
            why=why,
            macs=macs,
            calls=calls,
            module=module,
            type=None if module is None else self.types.get(module),
            row=None if module is None else self.rows.get(module),
        )


def explain(exact: Exact, items: Sequence[Item], total: int, rest: str) -> list[Difference]:
    """The differences that lead from the exact count to a counter's total.

    Args:
        exact: The exact count.
        items: The parts of the counter's total; none where it tells none.
        total: What it counts altogether, in MACs.
        rest: Why the parts may not add up to the total.

    Returns:
        Differences whose amounts, added to the exact count, give ``total``.
    """
    differences = list(_by_module(exact, items)) if items else []
    unexplained = total - exact.macs - sum(difference.macs for difference in differences)
    if unexplained:
        differences.append(exact.difference("unexplained", "", rest, unexplained))
    return differences


def other_images(batch: Exact, image: Exact) -> Iterator[Difference]:
    """What is missed by looking at one image of a batch."""
    for module, costs in batch.costs.items():
        for name, cost in costs.items():
            counted = image.costs.get(module, {}).get(name)
            missed = cost.macs - (counted.macs if counted else 0)
            if missed:
                yield batch.difference("missed", name, ONE_IMAGE, -missed, module=module, calls=cost.calls)


def _by_module(exact: Exact, items: Iterable[Item]) -> Iterator[Difference]:
    items_of: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        items_of[item.module].append(item)
    for module in dict.fromkeys((*exact.costs, *items_of)):
        costs, parts = exact.costs.get(module, {}), items_of[module]
        for part in parts:
            if part.covers is None:
                yield exact.difference("added", part.operation, ADDS, part.macs, module=module)
        counting = [part for part in parts if part.covers is not None]
        if any(part.covers == "module" for part in counting):
            yield from _compared(exact, module, costs, counting)
            continue
        for family in ("convolution", "product"):
            yield from _compared(
                exact,
                module,
                {name: cost for name, cost in costs.items() if cost.convolution == (family == "convolution")},
                [part for part in counting if part.covers == family],
            )


def _compared(exact: Exact, module: str, costs: Mapping[str, Cost], parts: Sequence[Item]) -> Iterator[Difference]:
    """How the parts that a counter has for some operations of a module differ from these."""
    truth, reported = sum(cost.macs for cost in costs.values()), sum(part.macs for part in parts)
    if not reported:
        for name, cost in costs.items():
            if cost.macs:
                yield exact.difference("missed", name, NOT_COUNTED, -cost.macs, module=module, calls=cost.calls)
        return
    if not truth:
        for part in parts:
            yield exact.difference("added", part.operation, ADDS, part.macs, module=module)
        return
    operation = ", ".join(name for name, cost in costs.items() if cost.macs)
    calls = sum(cost.calls for cost in costs.values() if cost.macs)
    surplus, bias = reported - truth, exact.biases.get(module, 0)
    if bias and surplus == bias:
        yield exact.difference("added", "bias", ADDS, bias, module=module, calls=calls)
    elif surplus and surplus % truth == 0 and surplus > 0:
        why = f"counted {reported // truth} times"
        yield exact.difference("repeated", operation, why, surplus, module=module, calls=calls)
    elif surplus:
        kind: Kind = "added" if surplus > 0 else "missed"
        why = TOO_HIGH if surplus > 0 else TOO_LOW
        yield exact.difference(kind, operation, why, surplus, module=module, calls=calls)
