"""A request -> its rows, each with the call that builds it and the rows that it reads. Free of torch."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.builder.dialect import CHANNELS, default_channels
from archprof.builder.options import SIDE, SIDES
from archprof.builder.wiring import Wiring, check_amounts, sources_of
from archprof.pipeline.profile_cache import MEMORYLESS
from archprof.sources.settings import DYNAMIC_CONVOLUTIONS
from archprof.sources.task import task_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.builder.registry import RowContext
    from archprof.pipeline.composition.calls import Calls
    from archprof.pipeline.composition.records import RowCall
    from archprof.pipeline.request import Request
    from archprof.sources.checkpoint.variant import CheckpointSpec
    from archprof.sources.spec import RecipeSpec, Row, VariantSpec


class Surroundings(NamedTuple):
    """What rows depend on besides what is installed: plugins, and the folder in which their names are looked up."""

    plugins: Sequence[str]
    folder: str


def surroundings_of(plugins: Sequence[str]) -> Surroundings:
    """What the rows of this process depend on."""
    return Surroundings(tuple(plugins), os.getcwd() if plugins else "")  # noqa: PTH109


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row with what it reads, the call that builds it, and the convolutions in it that are then made dynamic.

    ``experts`` has the path of each in the row, empty for the row itself, and its number of experts.
    """

    row: Row
    sources: tuple[int, ...]
    context: RowContext
    call: RowCall
    experts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A variant whose rows may be counted one by one.

    Attributes:
        spec: The variant.
        options: How it is built and run.
        channels: Channels of the image.
        rows: Its rows.
        asked: The top-level values that rules asked for.
    """

    spec: VariantSpec
    options: Options
    channels: int
    rows: list[PlannedRow]
    asked: frozenset[str]

    def input_shape(self, head: str | None) -> tuple[int, ...]:
        """The shape of what goes in, batch first; of tokens two numbers. ``head`` is the task that the head tells."""
        options, length = self.options, self.spec.values.get("sequence")
        if length:
            return (options.batch, *(options.size or (length,)))
        side = SIDES.get(head or task_of(self.spec) or "", SIDE)
        sides = options.size or (side, side)
        return (options.batch, self.channels, *(sides * 2 if len(sides) == 1 else sides))

    @property
    def tokens(self) -> bool:
        """Whether it takes tokens, not images."""
        return bool(self.spec.values.get("sequence"))

    def task(self, head: str | None) -> str | None:
        """What it is for, given what its head tells."""
        return "language" if self.tokens and not (head or task_of(self.spec)) else head or task_of(self.spec)


class _Rows:
    """Says whether a spec is built from rows alone, and gives the variant."""

    def from_rows(self, spec: VariantSpec) -> VariantSpec | None:
        """It is."""
        return spec

    def from_recipe(self, spec: RecipeSpec) -> VariantSpec | None:
        """It is not."""
        return None

    def from_checkpoint(self, spec: CheckpointSpec) -> VariantSpec | None:
        """Its widths come from the checkpoint."""
        return None


def plan(request: Request, calls: Calls) -> Plan | None:
    """The rows of a request, where they may be counted one by one; None where the model has to run as a whole.

    Raises:
        ArchprofError: Where something is wrong with it; counting the whole says the same, or more.
    """
    options = request.build
    if (
        request.spec.graph_format
        or not request.spec.rows
        or options.device not in MEMORYLESS
        or options.backward
        or options.static
        or options.inputs
        or options.batch < 1
    ):
        return None
    spec = request.spec.build(_Rows())
    experts = _experts_of_rows(spec) if spec else None
    if spec is None or experts is None:
        return None
    check_amounts(spec)
    channels = options.channels or default_channels(spec) or CHANNELS
    wiring, rows, keys_read = Wiring(spec, channels), [], set[str]()
    for row in spec.rows:
        sources = sources_of(spec, row)
        context = wiring.context(row, sources)
        call = calls.of(spec, context)
        if call is None or not call.signature:
            return None
        keys_read.update(call.asked)
        rows.append(PlannedRow(row, sources, context, call, experts[row.index]))
        wiring.add(row, sources, call.channels, light_head=call.gives_light_head)
    return Plan(spec, options, channels, rows, frozenset(keys_read | wiring.values.keys_asked))


_PATH = re.compile(r"model\.(?P<row>0|[1-9]\d{0,5})(?:\.(?P<inner>.+))?")


def _experts_of_rows(spec: VariantSpec) -> list[tuple[tuple[str, int], ...]] | None:
    """The convolutions that the variant's key makes dynamic, by their row; None where one is in no row."""
    rows: list[list[tuple[str, int]]] = [[] for _ in spec.rows]
    for path, number in (spec.values.get(DYNAMIC_CONVOLUTIONS) or {}).items():
        match = _PATH.fullmatch(path)
        if match is None or int(match["row"]) >= len(rows):
            return None
        rows[int(match["row"])].append((match["inner"] or "", number))
    return [tuple(sorted(of_row)) for of_row in rows]


def inputs_of(row: PlannedRow, outputs: dict[int, Any]) -> Any:
    """What a row reads of what the rows before it gave, as Ultralytics' forward hands it over."""
    structures = [outputs[source] for source in row.sources]
    return structures if row.row.many else structures[0]
