"""The finished result: the one thing that is saved, loaded, compared, budgeted and printed.

Raw integers and SI units only; K, M, G, % and ms are a renderer's business. Nothing here needs torch.
"""

from typing import Any, ClassVar, Literal, Self

import msgspec

from archprof import units
from archprof.records.breakdown import Breakdown
from archprof.records.conventions import DEFAULT
from archprof.records.latency import Latency, Machine
from archprof.records.parameternet import ParameterNet
from archprof.records.prediction import Prediction
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of
from archprof.records.size_formula import SizeFormula
from archprof.records.workload import Work
from archprof.version import __version__

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote the profile."""

    name: str = "archprof"
    version: str = __version__


class TopLevelKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant has under a key of its YAML that is neither rows nor all scales.

    ``line`` is its line in the file, None where an option of the command line set it.
    """

    value: Any
    line: int | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What was profiled.

    ``settings`` holds what ``--nc`` and ``--set`` changed, and ``top_level`` what the model was built with: every
    top-level key of the YAML, and of its scales the one that was used, as ``scales.n``. With ``static`` it is the
    static equivalent: every dynamic layer was replaced with the plain one.
    """

    name: str
    reference: str
    origin: str
    family: str | None = None
    task: str | None = None
    scale: str | None = None
    path: str | None = None
    nc: int | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    top_level: dict[str, TopLevelKey] = msgspec.field(default_factory=dict)
    fused: bool = False
    static: bool = False
    strides: list[int] = msgspec.field(default_factory=list)


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file that is a graph of operations says of itself.

    ``opsets`` has the version of each domain of operators, ONNX's own being "ai.onnx". ``open_axes`` are the axes of
    its inputs that have no size in it, by their names, or as ``images[2]``. ``weight_files`` are the files beside it
    that hold weights, by their names in it.
    """

    format: str
    format_version: int
    opsets: dict[str, int]
    producer: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    open_axes: list[str] = msgspec.field(default_factory=list)
    weight_files: list[str] = msgspec.field(default_factory=list)


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """What went in. ``shapes`` has one shape an input tensor, batch first.

    Where inputs were asked for one by one, ``names`` has what the model's forward calls each, ``dtypes`` the type of
    each, and ``values`` what is known of its values: a file's name, or a range as ``0..30000``; else they are empty.
    """

    shapes: list[list[int]]
    dtype: str
    batch: int
    kind: str = "image"
    names: list[str] = msgspec.field(default_factory=list)
    dtypes: list[str] = msgspec.field(default_factory=list)
    values: list[str] = msgspec.field(default_factory=list)

    @property
    def descriptions(self) -> list[str]:
        """The shape of each; of one that was asked for by itself more, as ``ids 1×128 int64 in 0..30000``."""
        shapes = list(map(units.shape, self.shapes))
        if not self.names:
            return shapes
        sources = [f"{'in' if '..' in values else 'from'} {values}" if values else "" for values in self.values]
        parts = zip(self.names, shapes, self.dtypes, sources, strict=True)
        return [" ".join(filter(None, part)) for part in parts]


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures were made. ``remarks`` say what a reader should know of how.

    ``machine`` is there where latency was measured.
    """

    device: str
    python: str
    platform: str
    packages: dict[str, str]
    remarks: list[str] = msgspec.field(default_factory=list)
    machine: Machine | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The whole model, for the whole batch.

    ``modules`` counts every module, the model itself included; ``layers`` only leaf modules (without
    children). ``macs`` are multiply-accumulates of the convolution, matrix product and attention family and
    ``flops`` exactly twice that; ``elementwise_flops`` is everything else that computes, one per element and
    elementary operation.

    ``buffers`` and ``buffer_bytes`` are the elements and bytes of the tensors that are registered as buffers: running
    statistics, tables, and the weights of models that keep them there. They are in no figure of parameters or weights;
    None in a profile that was saved without them.

    ``activation_elements`` and ``activation_bytes`` are of all the tensors that operations make;
    ``peak_activation_bytes`` is the most that they take at once, each until its last use; inputs are in neither. Views
    and results in place make no tensor. ``bytes_read`` and ``bytes_written`` are what the operations move: each
    of their tensors once.
    """

    modules: int
    layers: int
    parameters: int
    trainable_parameters: int
    macs: int
    flops: int
    elementwise_flops: int
    weight_bytes: int
    activation_elements: int
    activation_bytes: int
    peak_activation_bytes: int
    bytes_read: int
    bytes_written: int
    buffers: int | None = None
    buffer_bytes: int | None = None


class Backward(msgspec.Struct, frozen=True, kw_only=True):
    """What the backward pass of a training step adds to the forward pass, which :class:`Totals` describes.

    ``peak_activation_bytes`` is of the whole step, in which the backward pass needs what the forward pass made.
    """

    macs: int
    flops: int
    elementwise_flops: int
    peak_activation_bytes: int
    bytes_read: int
    bytes_written: int


FORWARD_PASS = "forward pass"
"""What is unknown of a file of weights alone: all that would run."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many operations ran, the backward pass's too, and in which of the three states each was.

    ``unknown`` names those without a formula, with the times they ran. While it is not empty every total is a
    lower bound.
    """

    operations: int
    counted: int
    free: int
    unknown: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of operations that are counted or free, from 0 to 1."""
        return (self.counted + self.free) / self.operations if self.operations else 1.0


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """What one row of the YAML built.

    ``line`` is its line in the file, and ``yaml_row`` the row as it stands there: from, repeats, module, arguments.
    ``light_head`` says that its block "gives" every detection head below the light class branch of YOLO11, or that it
    is such a head, which "takes" it from the rows above. ``backward_macs`` is None where no backward pass ran.
    """

    index: int
    from_: list[int] = msgspec.field(default_factory=list, name="from")
    repeats: int = 1
    module: str
    path: str
    arguments: list[Any] = msgspec.field(default_factory=list)
    output_shapes: list[list[int]] = msgspec.field(default_factory=list)
    parameters: int = 0
    modules: int = 0
    macs: int = 0
    elementwise_flops: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    backward_macs: int | None = None
    line: int | None = None
    yaml_row: list[Any] = msgspec.field(default_factory=list)
    light_head: Literal["gives", "takes"] | None = None


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """One module of the tree. ``macs`` includes its children's, ``own_macs`` only what it ran itself, and so on.

    What a module's call ran is its own and its children's, so one that two parents call is in both. A container that is
    never called itself (``calls`` is 0) has the sum of its children. ``backward_macs`` is None where no backward pass
    ran.
    """

    path: str
    type: str
    depth: int
    calls: int
    parameters: int
    own_parameters: int
    macs: int
    own_macs: int
    elementwise_flops: int
    own_elementwise_flops: int
    bytes_read: int = 0
    own_bytes_read: int = 0
    bytes_written: int = 0
    own_bytes_written: int = 0
    backward_macs: int | None = None
    own_backward_macs: int | None = None
    output_shapes: list[list[int]] = msgspec.field(default_factory=list)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of one operation in one pass, "forward" or "backward"; ``state`` is "counted", "free" or "unknown"."""

    name: str
    state: str
    calls: int
    macs: int
    elementwise_flops: int
    bytes_read: int = 0
    bytes_written: int = 0
    phase: str = "forward"


def arithmetic_intensity(part: Totals | Backward | Layer | Module | Operation) -> float | None:
    """FLOPs for each byte that is read or written, elementwise ones too; None where nothing is."""
    traffic = part.bytes_read + part.bytes_written
    return (2 * part.macs + part.elementwise_flops) / traffic if traffic else None


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Operations of one kind that a convention gives nothing, or more than the exact count does; by how many FLOPs."""

    operation: str
    calls: int
    flops: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What a convention gives for all calls of one operation in one module.

    ``operation`` is what the convention looks at: an operation, a function ("aten.linear") or a type of module.
    ``amount`` is a part of :attr:`Reported.operations`, and ``macs`` are exact, at the profile's input.
    """

    module: str
    operation: str
    calls: int
    amount: int
    macs: int


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What a convention or a counter says of the same model.

    ``operations`` is its own raw count, at the input that it was taken at, and ``gflops`` the figure as it was
    printed from that, in billions of ``unit``. ``missed`` is what it gives nothing for, and ``added`` what it gives
    beyond the exact count, largest first, at the profile's input. ``shares`` are only there for conventions that were
    asked for. ``exact_macs`` is what the figure is to be compared with; with ``per_image`` both, and all the rest, are
    of one image of the profile's batch, as the tool looks at no more.
    """

    gflops: float
    unit: str
    operations: int
    input_shape: list[int]
    per_image: bool = False
    exact_macs: int | None = None
    missed: list[Missed] = msgspec.field(default_factory=list)
    added: list[Missed] = msgspec.field(default_factory=list)
    shares: list[Share] = msgspec.field(default_factory=list)
    note: str | None = None


class Profile(SavedRecord, frozen=True, kw_only=True):
    """Everything known of one variant at one input.

    ``conventions`` are those that were asked for beside the exact count; the figures everywhere but in ``reported`` are
    exact whichever they are.
    ``file`` is there for a file that is a graph itself, as ONNX's are.
    ``size_formula`` is there where it was asked for: the cost as a polynomial of the sizes of the input.
    ``work`` is the forward pass by kinds of kernels and sizes, which ``prediction`` was computed from;
    ``prediction_absent`` says why there is none where this computer was calibrated for something else.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    file: ModelFile | None = None
    input: Input
    environment: Environment
    totals: Totals
    backward: Backward | None = None
    coverage: Coverage
    layers: list[Layer] = msgspec.field(default_factory=list)
    modules: list[Module] = msgspec.field(default_factory=list)
    operations: list[Operation] = msgspec.field(default_factory=list)
    conventions: list[str] = msgspec.field(default_factory=list)
    reported: dict[str, Reported] = msgspec.field(default_factory=dict)
    parameternet: ParameterNet | None = None
    latency: list[Latency] = msgspec.field(default_factory=list)
    breakdowns: list[Breakdown] = msgspec.field(default_factory=list)
    prediction: Prediction | None = None
    prediction_absent: str | None = None
    size_formula: SizeFormula | None = None
    work: list[Work] = msgspec.field(default_factory=list)

    @property
    def weights_only(self) -> bool:
        """Whether it is of a file of weights without an architecture, so that only its parameters are known."""
        return FORWARD_PASS in self.coverage.unknown

    @property
    def headline(self) -> str:
        """Its name, parameters and FLOPs, and the input that they are for."""
        scale = f" scale {self.variant.scale}" if self.variant.scale else ""
        if self.weights_only:
            return f"{self.variant.name}{scale}: {units.count(self.totals.parameters)} parameters, FLOPs unknown"
        shapes = units.shapes(self.input.shapes) if self.input.shapes else "no tensors"
        figures = f"{units.count(self.totals.parameters)} parameters, {units.amount(self.totals.flops)}FLOPs"
        return f"{self.variant.name}{scale}: {figures} at {shapes}"

    @property
    def convention(self) -> str:
        """The convention that tables are printed in: the first that was asked for, else the exact FLOPs."""
        return self.conventions[0] if self.conventions else DEFAULT

    def brief(self) -> Self:
        """The profile without its details: what a budget does without, and what makes up most of its bytes."""
        requested = {name: reported for name, reported in self.reported.items() if name in self.conventions}
        return msgspec.structs.replace(self, modules=[], operations=[], reported=requested, work=[])


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a saved profile (draft 2020-12)."""
    return schema_of(Profile, "archprof profile")
