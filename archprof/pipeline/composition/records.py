"""What is kept of a row that was counted once: everything that a model's profile takes from it. Free of torch.

The records are arrays, not maps, since a profile is put together from a hundred of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from archprof.records.parameternet import DynamicLayer  # noqa: TC001 - it is looked up to read a record back

Shape = tuple[int, ...]

Tensor = tuple[Shape, Shape, str]
"""Shape, strides and type of a tensor that goes from row to row."""

Work = tuple[str, tuple[int, ...], int, int]
"""Kind, sizes, bytes and calls of operations that are alike."""

Figures = tuple[int, int, int, int]
"""MACs, elementwise FLOPs, bytes read, bytes written."""


class RowCall(msgspec.Struct, frozen=True, array_like=True):
    """The constructor call that a rule makes of a row.

    Attributes:
        family: The family that the block is registered for.
        arguments: The constructor's arguments as a profile shows them.
        channels: The channels that come out.
        repeats: The copies that are chained.
        gives_light_head: Whether the block gives later detection heads their light class branch.
        legacy: Which class branch the block itself builds, where it is a detection head.
        signature: All that the call gives the constructor, as text; empty where it has no such form.
        asked: The top-level values that the rule asked for.
    """

    family: str
    arguments: list[Any]
    channels: Any
    repeats: int
    gives_light_head: bool
    legacy: bool | None
    signature: str
    asked: list[str]


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What the last row makes of a network.

    Attributes:
        network: The class of the model; empty where its forward does more than to call its rows.
        task: The task, where the head tells it.
        strides: Where its strides come from: "inputs" from the maps that it reads, "none" where it has none, or a
            number.
        least_cells: The squares of one stride that the smallest image has on which Ultralytics profiles it.
    """

    network: str
    task: str | None
    strides: str
    least_cells: int = 1


class Output(msgspec.Struct, frozen=True, array_like=True):
    """A tensor that a row gives.

    Attributes:
        tensor: The tensor.
        same_input: The input that it is itself; -1 for none.
        input_memory: The input whose memory it views; -1 for none.
        block: The stretch of memory that the row made for it, as its place in :attr:`RowRecord.blocks`; -1 for none.
    """

    tensor: Tensor
    same_input: int = -1
    input_memory: int = -1
    block: int = -1


class RowDynamics(msgspec.Struct, frozen=True, array_like=True):
    """The dynamic layers of a row, with paths as if it were the first of its network.

    Attributes:
        layers: The layers.
        papers: Of each what the paper's formulas give it, as numerator and denominator.
        static: The record of the row's static equivalent.
        static_work: Kind, sizes, bytes and calls of the static equivalent's operations.
    """

    layers: list[DynamicLayer]
    papers: list[list[tuple[int, int] | None]]
    static: RowRecord
    static_work: list[Work]


class RowRecord(msgspec.Struct, frozen=True, array_like=True):
    """What one row costs on inputs of some shapes.

    Operations are counted from the row's first. ``totals`` has the fields of
    :class:`~archprof.records.profile.Totals` that are sums over rows, in the order of :data:`TOTALS`.

    Attributes:
        obstacle: Why no profile can be put together with this row; empty where one can.
        parser_knows: Whether Ultralytics' own parser knows the block by its name.
        outputs: The tensors that it gives, in order.
        structure: How they are nested: the number of a tensor, or a kind of sequence and such things.
        blocks: First and last operation, and bytes, of the memory that it makes for what it gives.
        last_uses: The last operation that uses each of its inputs, or a view of it; -1 where none does.
        segments: Where the memory of others may change while it runs, and the most that its own takes from there on.
        operations: How many operations it runs.
        calls: How many calls of modules.
        modules: How many modules it has, those included that others share.
        totals: Its totals, without modules that others share.
        coverage: How many operations are counted, and how many are free.
        unknown: Those of neither kind, with the times they ran.
        shared: The leaf modules that it shares with others, by the class attribute that they hang on.
        first_parameter: Shape and type of its first parameter.
        unread: How many parameters no operation read.
        unread_names: Their names in the row; an empty one for all of it.
        registered: Modules and elements of parameters that building it registers.
        chooses: Whether it chooses among elements by numbers that it computes, which routers may be behind.
        dynamics: Its dynamic layers, where it has any.
    """

    obstacle: str = ""
    parser_knows: bool = True
    outputs: list[Output] = []
    structure: Any = None
    blocks: list[tuple[int, int, int]] = []
    last_uses: list[int] = []
    segments: list[tuple[int, int]] = []
    operations: int = 0
    calls: int = 0
    modules: int = 0
    totals: list[int] = []
    coverage: tuple[int, int] = (0, 0)
    unknown: dict[str, int] = {}
    shared: list[str] = []
    first_parameter: tuple[Shape, str] | None = None
    unread: int = 0
    unread_names: list[str] = []
    registered: tuple[int, int] = (0, 0)
    chooses: bool = False
    dynamics: RowDynamics | None = None

    @property
    def figures(self) -> Figures:
        """What it costs."""
        return self.totals[4], self.totals[5], self.totals[9], self.totals[10]


TOTALS = (
    *("modules", "layers", "parameters", "trainable_parameters", "macs", "elementwise_flops", "weight_bytes"),
    *("activation_elements", "activation_bytes", "bytes_read", "bytes_written", "buffers", "buffer_bytes"),
)
"""The totals of a profile that are sums over its rows."""


class RowModule(msgspec.Struct, frozen=True, array_like=True):
    """One module of a row; ``path`` is in the row, and ``shared`` the class attribute that it hangs on, or empty."""

    path: str
    type: str
    calls: int
    parameters: int
    own_parameters: int
    figures: Figures
    own_figures: Figures
    output_shapes: list[list[int]]
    shared: str = ""


class RowDetails(msgspec.Struct, frozen=True, array_like=True):
    """What only a full profile has of a row.

    Attributes:
        modules: Its modules, in the order of the tree.
        operations: Name, state, calls and figures of each of its operations.
        work: Kind, sizes, bytes and calls of its operations by kinds of kernels.
        exact: Module, operation and MACs of each operation that has any; None where rows share such a module.
    """

    modules: list[RowModule]
    operations: list[tuple[str, str, int, Figures]]
    work: list[Work]
    exact: list[tuple[str, str, int]] | None


class RowItems(msgspec.Struct, frozen=True, array_like=True):
    """What a convention gives a row's operations.

    Attributes:
        obstacle: Why no profile can be put together with this row; empty where one can.
        items: Module, operation, amount and MACs; where rows share the module, the class attribute that it hangs on.
    """

    obstacle: str = ""
    items: list[tuple[str, str, int, int, str]] = []


class RowGlance(msgspec.Struct, frozen=True, array_like=True):
    """What a row gives on inputs of some shapes, where nothing else is asked.

    Attributes:
        obstacle: Why no profile can be put together with this row; empty where one can.
        outputs: The tensors that it gives, in order.
        structure: How they are nested.
    """

    obstacle: str = ""
    outputs: list[Output] = []
    structure: Any = None


class RowReading(msgspec.Struct, frozen=True, array_like=True):
    """What a row gives on inputs of some shapes, and what thop gives it.

    Attributes:
        outputs: The tensors that it gives, in order.
        structure: How they are nested.
        thop_2_0: Module, its type, and the operations that thop 2.0 gives it.
        modules: The same of the installed thop.
        functions: Module, the name of a function that it calls, and the operations that the installed thop gives that.
        fixed: Whether it has modules for which the installed thop looks at two images.
        quadratic: Whether it has modules for which that looks at four.
    """

    outputs: list[Output]
    structure: Any
    thop_2_0: list[tuple[str, str, int]]
    modules: list[tuple[str, str, int]]
    functions: list[tuple[str, str, int]]
    fixed: bool
    quadratic: bool
