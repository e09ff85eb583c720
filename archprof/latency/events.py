"""What a profiler noted of one pass -> the seconds of each part and of each operation, its own ones taken out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RANGE = "archprof:"
"""What the name of a part's range begins with; a pass itself has it alone."""


class Event(NamedTuple):
    """One range or operation: when it lasted how long, and what it called."""

    name: str
    seconds: float
    children: Sequence[Event]

    @property
    def noted(self) -> int:
        """How many ranges and operations there are in it."""
        return sum(1 + child.noted for child in self.children)


class Times(NamedTuple):
    """Seconds in operations by part and by operation, the rest of the pass, and how many events were noted in that."""

    parts: Counter[str]
    operations: Counter[str]
    between: float
    outer: int


def times(root: Event, known: set[str], noting_s: float = 0.0, pass_s: float | None = None) -> Times:
    """Give each operation's time to a part and to a name.

    To note an event takes time, which is in the times of all that it is in: that is taken out of them. What noting an
    operation takes itself is not in its own time but in the rest of the pass.

    Args:
        root: The pass.
        known: The operations' names that the trace has.
        noting_s: What it takes to note one event.
        pass_s: What the pass took; the root's own time, less that of noting, where it is not given.
    """
    parts: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    outer = 0

    def look_at(event: Event, part: str) -> None:
        nonlocal outer
        for child in event.children:
            outer += 1
            if child.name.startswith(RANGE):
                look_at(child, child.name.removeprefix(RANGE))
            elif (seconds := child.seconds - noting_s * child.noted) > 0:
                parts[part] += seconds  # type: ignore[assignment]
                operations[_name(child, known)] += seconds  # type: ignore[assignment]

    look_at(root, "")
    lasted = root.seconds - noting_s * root.noted if pass_s is None else pass_s
    return Times(parts, operations, lasted - sum(parts.values()), outer)


def _name(event: Event, known: set[str]) -> str:
    """The trace's name for an operation: that of the most expensive of what it called, the outermost first."""
    names = [(entry.seconds, entry.name.replace("::", ".", 1)) for entry in _below(event)]
    named = [entry for entry in names if entry[1] in known]
    return max(named, key=lambda entry: entry[0])[1] if named else names[0][1]


def _below(event: Event) -> Iterator[Event]:
    yield event
    for child in event.children:
        yield from _below(child)
