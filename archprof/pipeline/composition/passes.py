"""One pass through the rows of a variant: the record of each for what goes into it. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from archprof.builder.wiring import IMAGE
from archprof.pipeline.composition.liveness import Liveness, Value, flat
from archprof.pipeline.composition.records import Head, RowDetails, RowGlance, RowItems, RowReading, RowRecord
from archprof.pipeline.composition.shelf import key_of
from archprof.pipeline.composition.variant import inputs_of
from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.pipeline.composition.liveness import Structure
    from archprof.pipeline.composition.shelf import Shelf
    from archprof.pipeline.composition.variant import Plan, PlannedRow, Surroundings
    from archprof.records.conventions import Convention


FLOAT = "float32"
"""The type of weights and images where no other is asked for."""


class NotComposableError(Exception):
    """A variant that has to run as a whole, for one of its rows or for what goes from row to row."""


class Role(NamedTuple):
    """What the network makes of a row.

    Attributes:
        network: The class of the model where the row is its last, and "" before that.
        strides: The strides that the last row is given.
        initialised: Whether Ultralytics initialises the network's modules.
        inplace: What the last row is told by the variant's key of that name.
        dtype: The type that the network is converted to once it is built.
        fused: Whether the network is folded as for deployment.
    """

    network: str = ""
    strides: tuple[float, ...] = ()
    initialised: bool = False
    inplace: Any = None
    dtype: str = FLOAT
    fused: bool = False


class Recorder(Protocol):
    """Counts a row by itself."""

    def record(
        self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role, *, details: bool
    ) -> tuple[RowRecord, RowDetails | None]:
        """What a row costs, given what goes in."""

    def glance(self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role) -> RowGlance:
        """What a row gives."""

    def readings(self, plan: Plan, shape: Sequence[int], roles: Sequence[Role]) -> list[RowReading]:
        """What all rows of a variant give on an image of a shape, and what thop gives them."""

    def sampling_is_known(self) -> bool:
        """Whether the installed thop profiles the images that are known of it."""

    def items(self, plan: Plan, row: PlannedRow, inputs: Structure, role: Role, convention: Convention) -> RowItems:
        """What a convention gives the operations of a row."""

    def head(self, plan: Plan, row: PlannedRow) -> Head:
        """What a variant's last row makes of the network."""


@dataclass(slots=True)
class Pass:
    """What every row of a variant was given, costs and gave.

    Attributes:
        records: One for each row that ran.
        details: The same.
        outputs: What each row gave, by its index; the image under that of no row.
        liveness: The memory that went from row to row.
    """

    records: list[RowRecord] = field(default_factory=list)
    details: list[RowDetails] = field(default_factory=list)
    outputs: dict[int, Structure] = field(default_factory=dict)
    liveness: Liveness = field(default_factory=Liveness)

    def inputs(self, row: PlannedRow) -> tuple[Structure, list[Value]]:
        """What a row reads, and each tensor in it once."""
        inputs = inputs_of(row, self.outputs)
        return inputs, list({id(value): value for value in flat(inputs)}.values())

    def add(self, row: PlannedRow, record: RowRecord, inputs: list[Value]) -> None:
        """Take in what a row costs, given the tensors that it reads, each once."""
        self.records.append(record)
        outputs = self.liveness.run(record, inputs)
        # What the last row gives is in no structure that matters.
        self.outputs[row.row.index] = outputs if record.structure is None else _nested(record.structure, outputs)

    def results(self) -> list[Value]:
        """What the last row that ran gave."""
        return flat(self.outputs[len(self.records) - 1])


class Rows:
    """The rows whose costs are known, and those that are counted when they are asked for.

    Args:
        shelf: Where records are kept.
        surroundings: What the rows of this process depend on.
        recorder: Counts rows that are not known; None where torch is not to be imported.
    """

    def __init__(self, shelf: Shelf, surroundings: Surroundings, recorder: Recorder | None = None) -> None:
        self._shelf = shelf
        self._surroundings = surroundings
        self._recorder = recorder

    def head(self, plan: Plan) -> Head:
        """What a variant's last row makes of the network.

        Raises:
            NotComposableError: Where that is not known, or the network does more than to call its rows.
        """
        row = plan.rows[-1]
        # What an Ultralytics block makes of the network is said by its class alone.
        signature = "" if row.call.family == STOCK else row.call.signature
        key = key_of(b"head", self._surroundings, row.call.family, row.row.module, signature)
        head = self._shelf.find(key, Head)
        if head is None:
            head = self._counting("the head").head(plan, row)
            self._shelf.put(key, head)
        if not head.network:
            raise NotComposableError("the network does more than to call its rows")
        return head

    def strides(self, plan: Plan, probe: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
        """The strides of the head's inputs, which variants share that differ in their heads or sizes only.

        Args:
            plan: The variant.
            probe: Finds them out.
        """
        body = [(row.call.family, row.row.module, row.call.signature, row.sources, row.row.many) for row in plan.rows]
        *_, head = body
        key = key_of(
            b"strides",
            self._surroundings,
            [body[:-1], head[3:]],
            plan.channels,
            plan.spec.values.get("activation"),
        )
        strides = self._shelf.find(key, tuple[float, ...])
        if strides is None:
            strides = probe()
            self._shelf.remember(key, strides)
        return strides

    def run(
        self, plan: Plan, shape: Sequence[int], roles: Sequence[Role], *, dtype: str = FLOAT, details: bool = False
    ) -> Pass:
        """The first rows of a variant, as many as there are roles, on an input of a shape.

        Raises:
            NotComposableError: Where one of them is not known, or stands in the way.
        """
        result = Pass(outputs={IMAGE: image(shape, dtype)})
        for row, role in zip(plan.rows, roles, strict=False):
            inputs, distinct = result.inputs(row)
            record, more = self._record(plan, row, inputs, distinct, role, details=details)
            if more is not None:
                result.details.append(more)
            result.add(row, record, distinct)
        return result

    def known(self, plan: Plan, shape: Sequence[int], roles: Sequence[Role], *, dtype: str = FLOAT) -> list[RowRecord]:
        """The first rows of a variant, as far as they are known without counting anything."""
        result = Pass(outputs={IMAGE: image(shape, dtype)})
        for row, role in zip(plan.rows, roles, strict=False):
            inputs, distinct = result.inputs(row)
            record = self._shelf.find(self._key(b"row", plan, row, inputs, distinct, role), RowRecord)
            if record is None or record.obstacle:
                break
            result.add(row, record, distinct)
        return result.records

    def glance(self, plan: Plan, shape: Sequence[int], roles: Sequence[Role]) -> dict[int, Structure]:
        """What the first rows of a variant give on an image of a shape, by the index of the row.

        Raises:
            NotComposableError: Where one of them is not known, or stands in the way.
        """
        result = Pass(outputs={IMAGE: image(shape, FLOAT)})
        for mixed, role in zip(plan.rows, roles, strict=False):
            row = replace(mixed, experts=())  # with which it gives the same
            inputs, distinct = result.inputs(row)
            key = self._key(b"glance", plan, row, inputs, distinct, role)
            glance = self._shelf.find(key, RowGlance)
            if glance is None:
                glance = self._counting(f"row {row.row.index}").glance(plan, row, inputs, role)
                self._shelf.put(key, glance)
            _refuse(row, glance.obstacle)
            result.outputs[row.row.index] = _given(glance, distinct)
        return result.outputs

    def readings(self, plan: Plan, shape: Sequence[int], roles: Sequence[Role]) -> list[RowReading]:
        """What thop gives the rows of a variant on an image of a shape. Where one is not known, all are run.

        Raises:
            NotComposableError: Where one of them is not known, or stands in the way.
        """
        result, readings = Pass(outputs={IMAGE: image(shape, roles[-1].dtype)}), []
        fresh: list[RowReading] = []
        for index, (row, role) in enumerate(zip(plan.rows, roles, strict=True)):
            inputs, distinct = result.inputs(row)
            key = self._key(b"reading", plan, row, inputs, distinct, role)
            reading = self._shelf.find(key, RowReading)
            if reading is None:
                fresh = fresh or self._counting(f"row {row.row.index}").readings(plan, shape, roles)
                reading = fresh[index]
                self._shelf.put(key, reading)
            readings.append(reading)
            result.outputs[row.row.index] = _given(reading, distinct)
        return readings

    def check_sampling(self) -> None:
        """See to it that the installed thop profiles the images that are known of it.

        Raises:
            NotComposableError: Where it does not, or that is not known.
        """
        key = key_of(b"sampling")
        is_known = self._shelf.find(key, bool)
        if is_known is None:
            is_known = self._counting("how thop samples").sampling_is_known()
            self._shelf.put(key, is_known)
        if not is_known:
            raise NotComposableError("the images that thop looks at are not known")

    def items(self, plan: Plan, pass_: Pass, roles: Sequence[Role], convention: Convention) -> list[RowItems]:
        """What a convention gives the operations of each row.

        Args:
            plan: The variant.
            pass_: Its pass.
            roles: What the network makes of its rows.
            convention: One that gives each operation something by itself.

        Raises:
            NotComposableError: Where that of a row is not known, or stands in the way.
        """
        result = []
        for row, role in zip(plan.rows, roles, strict=True):
            inputs, distinct = pass_.inputs(row)
            key = self._key(b"items", plan, row, inputs, distinct, role, convention.name)
            items = self._shelf.find(key, RowItems)
            if items is None:
                recorder = self._counting(f"what {convention.name} gives row {row.row.index}")
                items = recorder.items(plan, row, inputs, role, convention)
                self._shelf.put(key, items)
            _refuse(row, items.obstacle)
            result.append(items)
        return result

    def _record(
        self, plan: Plan, row: PlannedRow, inputs: Structure, distinct: list[Value], role: Role, *, details: bool
    ) -> tuple[RowRecord, RowDetails | None]:
        key = self._key(b"row", plan, row, inputs, distinct, role)
        record = self._shelf.find(key, RowRecord)
        more = self._shelf.details(key, RowDetails) if details and record and not record.obstacle else None
        if record is None or (details and more is None and not record.obstacle):
            recorder = self._counting(f"row {row.row.index}")
            # A family of its own may have dynamic layers, whose static equivalent needs the details of every row.
            full = details or plan.spec.family != STOCK
            record, more = recorder.record(plan, row, inputs, role, details=full)
            self._shelf.put(key, record, more)
            more = more if details else None
        _refuse(row, record.obstacle)
        return record, more

    def _counting(self, subject: str) -> Recorder:
        """What counts rows.

        Args:
            subject: What is missing, for the message.

        Raises:
            NotComposableError: Where nothing is to be counted.
        """
        if self._recorder is None:
            raise NotComposableError(f"{subject} is not known")
        return self._recorder

    def _key(
        self, kind: bytes, plan: Plan, row: PlannedRow, inputs: Structure, distinct: list[Value], role: Role, *more: Any
    ) -> str:
        numbers = {id(value): number for number, value in enumerate(distinct)}
        return key_of(
            kind,
            self._surroundings,
            row.call.family,
            row.row.module,
            row.call.signature,
            row.experts,
            plan.spec.values.get("activation"),
            role,
            _shape_of(inputs, numbers),
            [value.tensor for value in distinct],
            *more,
        )


def _refuse(row: PlannedRow, obstacle: str) -> None:
    """See to it that nothing stands in the way of a row by itself.

    Raises:
        NotComposableError: Where something does.
    """
    if obstacle:
        raise NotComposableError(f"row {row.row.index}: {obstacle}")


def _given(row: RowGlance | RowReading, inputs: Sequence[Value]) -> Structure:
    """What a row gave, of which only the form is known."""
    outputs = [inputs[output.same_input] if output.same_input >= 0 else Value(output.tensor) for output in row.outputs]
    return outputs if row.structure is None else _nested(row.structure, outputs)


def image(shape: Sequence[int], dtype: str) -> Value:
    """What goes into a model: a contiguous tensor of a shape and a type."""
    strides, step = [], 1
    for side in reversed(shape):
        strides.append(step)
        step *= max(side, 1)
    return Value((tuple(shape), tuple(reversed(strides)), dtype))


def _shape_of(structure: Structure, numbers: dict[int, int]) -> Any:
    """How tensors are nested, each as its number."""
    if isinstance(structure, Value):
        return numbers[id(structure)]
    if structure is None:
        return None
    return [type(structure).__name__, *(_shape_of(part, numbers) for part in structure)]


def _nested(structure: Any, outputs: list[Value]) -> Structure:
    """What a row gave, nested as it was."""
    if isinstance(structure, int):
        return outputs[structure]
    if structure is None:
        return None
    kind, *parts = structure
    nested = [_nested(part, outputs) for part in parts]
    return tuple(nested) if kind == "tuple" else nested
