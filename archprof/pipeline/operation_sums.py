"""All calls of one operation as one entry of a profile."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archprof.records.profile import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable


def operation_sums(
    calls: Iterable[tuple[str, str, int, tuple[int, int, int, int]]], phase: str = "forward"
) -> list[Operation]:
    """One entry an operation's name and state, the most expensive first.

    Args:
        calls: Of each operation that ran: its name, its state, how many times it ran, and its MACs, elementwise FLOPs,
            bytes read and bytes written, of all those times.
        phase: The pass that they ran in.
    """
    times: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], list[int]] = {}
    for name, state, number, figures in calls:
        key = name, state
        times[key] += number
        total = sums.setdefault(key, [0, 0, 0, 0])
        for index, value in enumerate(figures):
            total[index] += value
    order = sorted(times, key=lambda key: (-sums[key][0], -sums[key][1], key))
    return [
        Operation(
            name=key[0],
            state=key[1],
            calls=times[key],
            macs=macs,
            elementwise_flops=elementwise,
            bytes_read=bytes_read,
            bytes_written=bytes_written,
            phase=phase,
        )
        for key in order
        for macs, elementwise, bytes_read, bytes_written in [sums[key]]
    ]
