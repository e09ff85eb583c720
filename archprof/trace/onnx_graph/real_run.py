"""The shapes that a real run of a file had, and how a walk over its graph takes them up."""

from __future__ import annotations

import re
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archprof.trace.onnx_graph.record import Shape


@dataclass(frozen=True)
class RealRun:
    """What a run was seen to do.

    Attributes:
        shapes: Node's key -> for each time that it ran, the shapes of what it gave.
        within: Key of a node that runs graphs -> for each time that it ran, how often each node within it did, by key.
    """

    shapes: Mapping[str, Sequence[Sequence[Shape | None]]] = field(default_factory=dict)
    within: Mapping[str, Sequence[Mapping[str, int]]] = field(default_factory=dict)


def real_run(events: Iterable[tuple[str, Sequence[Shape | None]]]) -> RealRun:
    """What a run did, of its events.

    Args:
        events: Node's key, and the shapes of what it gave, in the order in which nodes ended: those within another node
            before that.
    """
    shapes: dict[str, list[Sequence[Shape | None]]] = {}
    within: dict[str, list[Counter[str]]] = {}
    waiting: dict[str, Counter[str]] = {}  # of nodes that have not ended
    for key, made in events:
        shapes.setdefault(key, []).append(made)
        if key in waiting:
            within.setdefault(key, []).append(waiting.pop(key))
        parts = key.split(".")
        for length in range(1, len(parts) - 1, 2):  # "3.body.1.then_branch.0" lies in "3.body.1", and that in "3"
            waiting.setdefault(".".join(parts[:length]), Counter())[key] += 1
    return RealRun(shapes, within)


class Replay:
    """The shapes of a real run, given once each, in the order of the run."""

    def __init__(self, run: RealRun) -> None:
        self._shapes = {key: deque(shapes) for key, shapes in run.shapes.items()}
        self._within = {key: deque(counts) for key, counts in run.within.items()}
        self._counts: dict[str, Mapping[str, int]] = {}
        self._paused = False

    def __bool__(self) -> bool:
        """Whether there was a run."""
        return bool(self._shapes)

    def shapes(self, key: str) -> Sequence[Shape | None] | None:
        """The shapes that a node gave, when it ran now; None where it was not seen."""
        waiting = self._shapes.get(key)
        return None if self._paused or not waiting else waiting.popleft()

    @contextmanager
    def graphs(self, key: str) -> Iterator[None]:
        """While a node runs its graphs; what it left of the shapes within is another time's, and is left out."""
        waiting = self._within.get(key)
        if self._paused or not waiting:
            yield
            return
        self._counts[key] = counts = waiting.popleft()
        queues: list[tuple[deque[Any], int]] = []
        for inner, times in counts.items():
            queues += [(queue, len(queue) - times) for queue in self._queues(inner)]
        yield
        for queue, length in queues:
            while len(queue) > length:
                queue.popleft()

    def _queues(self, key: str) -> Iterator[deque[Any]]:
        """All that waits for the next times that a node runs."""
        if key in self._shapes:
            yield self._shapes[key]
        if key in self._within:
            yield self._within[key]

    def trips(self, key: str) -> int | None:
        """How often the body of a loop ran, the last time that the loop did; None where it was not seen."""
        if self._paused or key not in self._counts:
            return None
        body = re.compile(rf"{re.escape(key)}\.body\.\d+")
        return max((times for inner, times in self._counts[key].items() if body.fullmatch(inner)), default=None)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While the walk does what the run did not do once more."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before
