"""Rules that turn a model into one number: the exact count in its units, and what others print, replayed.

Each is one file with a function ``figures`` over a :class:`~archprof.count.conventions.subject.Subject`; this one
lists them without importing torch.
"""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING

from archprof.records.profile import Missed, Reported, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.count.conventions.subject import Figures, Item, Subject
    from archprof.records.conventions import Convention


def report(convention: Convention, subject: Subject, *, shares: bool = True) -> Reported | None:
    """The figure that a convention gives a model.

    Args:
        convention: The rule.
        subject: The model, run and counted.
        shares: Whether to say which part of it each module has.

    Returns:
        None where there is no such figure: thop and torchvision print none for what takes no image.

    Raises:
        RunError: Where the model does not run as the rule has it run.
    """
    figures: Figures | None = import_module(f"{__name__}.{convention.module}").figures(subject)
    if figures is None:
        return None
    parts = _added_up(figures.items)
    total = sum(part.amount for part in parts)
    return Reported(
        gflops=float(total * figures.scale / 10**9),
        unit=f"{convention.unit} ({convention.rule})",
        operations=total,
        input_shape=list(figures.shape or subject.shape),
        missed=_missed(parts) if convention.tool else [],
        shares=parts if shares else [],
    )


def _added_up(items: Iterable[Item]) -> list[Share]:
    """One share for all calls of one operation in one module."""
    found: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        found.setdefault((item.path, item.operation), []).append(item)
    return [
        Share(
            module=path,
            operation=operation,
            # A convention that looks at another image has the amounts and the exact MACs in items of their own.
            calls=max(sum(item.amount > 0 for item in same), sum(item.macs > 0 for item in same)),
            amount=sum(item.amount for item in same),
            macs=sum(item.macs for item in same),
        )
        for (path, operation), same in found.items()
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
