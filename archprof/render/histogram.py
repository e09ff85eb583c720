"""How samples are spread, in one line of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def histogram(samples: Sequence[float], low: float, high: float, width: int) -> str:
    """One block for each of so many equal bins from ``low`` to ``high``: the fuller, the higher; a space where none is.

    Samples outside are in no bin. Where ``low`` is ``high`` there is one full block.
    """
    if high <= low:
        return _BLOCKS[-1]
    counts = [0] * width
    for sample in samples:
        if low <= sample <= high:
            counts[min(int((sample - low) / (high - low) * width), width - 1)] += 1
    highest = max(counts, default=0)
    return "".join(_BLOCKS[-(-count * len(_BLOCKS) // highest) - 1] if count else " " for count in counts)
