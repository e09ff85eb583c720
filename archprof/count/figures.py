"""What a convention gives a model, and how that is reported. Free of torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from archprof.records.profile import Missed, Reported, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.records.conventions import Convention


class Item(NamedTuple):
    """What a convention gives for one operation, function or module that ran.

    ``path`` is the module that ran it, ``amount`` is in the convention's own unit, and ``macs`` are exact.
    """

    path: str
    operation: str
    amount: int
    macs: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a convention says.

    Attributes:
        items: Everything that it gives something for, and everything with multiply-accumulates.
        scale: What one unit of the amounts stands for in the figure that is printed.
        shape: The shape of the image that the amounts are of, where it is not the subject's.
        per_image: Whether the figure and the exact MACs are of one image, whatever the batch.
    """

    items: list[Item]
    scale: Fraction = Fraction(1)
    shape: tuple[int, ...] | None = None
    per_image: bool = False


def reported(convention: Convention, figures: Figures, shape: tuple[int, ...], *, shares: bool = True) -> Reported:
    """The record of what a convention gives a model.

    Args:
        convention: The rule.
        figures: What it gives.
        shape: The shape of the model's input.
        shares: Whether to say which part of it each module has.
    """
    parts = _by_part(figures.items)
    total = sum(part.amount for part in parts)
    return Reported(
        gflops=float(total * figures.scale / 10**9),
        unit=f"{convention.unit} ({convention.rule})",
        operations=total,
        input_shape=list(figures.shape or shape),
        per_image=figures.per_image,
        exact_macs=sum(part.macs for part in parts),
        missed=_missed(parts) if convention.tool else [],
        added=_added(parts, figures.scale * (1 if "FLOP" in convention.unit else 2)) if convention.tool else [],
        shares=parts if shares else [],
    )


def _by_part(items: Iterable[Item]) -> list[Share]:
    """One share for all calls of one operation in one module."""
    parts: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        parts.setdefault((item.path, item.operation), []).append(item)
    return [
        Share(
            module=path,
            operation=operation,
            # A convention that looks at another image has the amounts and the exact MACs in items of their own.
            calls=max(sum(item.amount > 0 for item in same), sum(item.macs > 0 for item in same)),
            amount=sum(item.amount for item in same),
            macs=sum(item.macs for item in same),
        )
        for (path, operation), same in parts.items()
    ]


def _missed(parts: Iterable[Share]) -> list[Missed]:
    """What has multiply-accumulates and is given nothing, largest first."""
    calls: Counter[str] = Counter()
    flops: Counter[str] = Counter()
    for part in parts:
        if part.macs and not part.amount:
            calls[part.operation] += part.calls
            flops[part.operation] += 2 * part.macs
    return [Missed(operation=name, calls=calls[name], flops=total) for name, total in flops.most_common()]


def _added(parts: Iterable[Share], scale: Fraction) -> list[Missed]:
    """What is given to operations beyond what their multiply-accumulates take, largest first.

    Args:
        parts: What the convention gives each operation.
        scale: FLOPs that one of its units of ``amount`` stands for.
    """
    calls: Counter[str] = Counter()
    flops: Counter[str] = Counter()
    for part in parts:
        if part.amount:
            calls[part.operation] += part.calls
            flops[part.operation] += round(part.amount * scale) - 2 * part.macs
    return [Missed(operation=name, calls=calls[name], flops=total) for name, total in flops.most_common() if total > 0]
