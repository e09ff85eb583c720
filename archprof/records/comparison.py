"""What comparing profiles comes to: plain data that every format is written from, and saved as JSON."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from archprof.records.failure import Failure  # noqa: TC001
from archprof.records.prediction import Prediction  # noqa: TC001 - it is looked up to read a comparison back
from archprof.records.profile import Input, Tool, Variant
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""

COUNTS = ("parameters", "flops", "elementwise_flops", "bytes_read", "bytes_written")
"""What each part has a share in."""

Number = int | float
Mark = Literal["+", "-", "~", "x", "="]
"""Added; removed; changed in the file; the same in the file, and other shapes or costs; the same in everything."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the models.

    ``name`` is what the user typed. ``metrics`` has every metric that any of the models has, by its name, None where
    this one has not. ``unknown`` are the operations without a formula, and while there are any, the metrics in
    ``lower_bounds`` may be more in truth.

    Of a model that is an entry of a lock file, ``locked`` has that entry's settings, and neither its input nor its
    device is known. ``packages`` are the versions of what counted it.

    ``prediction`` says how long its forward pass should take, where that is known, and ``prediction_absent`` why it is
    not, where the computer was calibrated for something else.
    """

    name: str
    variant: Variant
    input: Input | None
    device: str | None
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    training: bool
    metrics: dict[str, Number | None]
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    lower_bounds: list[str] = msgspec.field(default_factory=list)
    locked: str | None = None
    prediction: Prediction | None = None
    prediction_absent: str | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something beside the rows in which two models differ: a top-level key or a scale of their files, or a setting.

    ``comparable`` is false where it makes their figures answers to different questions. ``before_line`` is the line in
    the file of the model before, ``after_line`` that in the other one's; None for what stands in no file.
    """

    name: str
    before: str
    after: str
    comparable: bool = True
    before_line: int | None = None
    after_line: int | None = None


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ratio of two noisy figures lies, and what may be said of it: "faster", "slower" or "cannot tell"."""

    low: float
    high: float
    confidence: float
    verdict: str


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of two models. ``difference`` and ``ratio`` are of ``after`` to ``before``.

    ``lower_bounds`` has "before" and "after" where operations without a formula ran in that one. Of a noisy metric
    ``interval`` says where the true ratio lies, if both were measured in one experiment; if not, ``note`` says why
    there is no verdict, and what to type for one. Where they are not comparable, there is no difference either.
    """

    metric: str
    unit: str
    before: Number | None
    after: Number | None
    difference: Number | None
    ratio: float | None
    lower_bounds: list[Literal["before", "after"]] = msgspec.field(default_factory=list)
    interval: Interval | None = None
    note: str | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A row, or a module of the tree, of one model. ``arguments`` and ``repeats`` are as the file has them.

    Shapes and figures are None where they are not known: a lock file keeps few of them. ``light_head`` says that a
    row's block "gives" detection heads below it their light class branch, or that it is such a head and "takes" it.
    """

    path: str
    module: str
    index: int | None = None
    line: int | None = None
    from_: list[int] = msgspec.field(default_factory=list, name="from")
    repeats: int = 1
    arguments: list[Any] = msgspec.field(default_factory=list)
    input_shapes: list[list[int]] | None = msgspec.field(default_factory=list)
    output_shapes: list[list[int]] | None = msgspec.field(default_factory=list)
    parameters: int | None = 0
    flops: int | None = 0
    elementwise_flops: int | None = 0
    bytes_read: int | None = 0
    bytes_written: int | None = 0
    light_head: Literal["gives", "takes"] | None = None

    def output_differs(self, reference: Part) -> bool | None:
        """Whether its outputs have other shapes than another part's; None where that is not known."""
        if self.output_shapes is None or reference.output_shapes is None:
            return None
        return self.output_shapes != reference.output_shapes


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that changed in a row: "module", "from", "stride", "channels", "repeats" or "arguments".

    A stride and channels are what the shapes say, and not looked for among the arguments.
    """

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row or module. The numbers are differences, of ``after`` to ``before``.

    A number that is not known of both of them is None. ``shares`` has, for each of these, the share of the whole
    model's difference, where there is one.
    """

    mark: Mark
    before: Part | None
    after: Part | None
    edits: list[Edit] = msgspec.field(default_factory=list)
    parameters: int | None = 0
    flops: int | None = 0
    elementwise_flops: int | None = 0
    bytes_read: int | None = 0
    bytes_written: int | None = 0
    shares: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def part(self) -> Part:
        """The row as it is, or as it was where it is gone."""
        part = self.after or self.before
        assert part is not None  # a change is of something
        return part


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was changed, and what came of it: a row, or something beside the rows.

    Attributes:
        change: The row's index in :attr:`Pair.changes`; None for something beside the rows.
        difference: The index in :attr:`Pair.differences` of something beside the rows; None for a row.
        own: What the row itself makes of the difference, or the rows that a key or a setting reaches directly.
        downstream: What the rows make that are the same in the file, and follow from this cause alone: they got other
            shapes from it, or another class branch.
        shared: What the rows make that follow from this cause and from others too.
        light_head: The indices in :attr:`Pair.changes` of detection heads that have another class branch because of it.
    """

    change: int | None = None
    difference: int | None = None
    own: int = 0
    downstream: int = 0
    shared: int = 0
    light_head: list[int] = msgspec.field(default_factory=list)

    @property
    def exclusive(self) -> int:
        """What comes of this cause and of no other."""
        return self.own + self.downstream

    @property
    def total(self) -> int:
        """All that comes of it, with what comes of others too."""
        return self.own + self.downstream + self.shared


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the difference in one metric comes from: its causes, the one with most of it first.

    Everything is told once: the causes' ``own`` and ``downstream``, ``shared`` (what follows from several of them) and
    ``outside`` (what is in none of the rows) add up to ``difference``. ``gains`` and ``losses`` are the sums of what
    went up, and down, over all parts.
    """

    metric: str
    difference: int
    gains: int
    losses: int
    shared: int = 0
    outside: int = 0
    causes: list[Cause]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two of the models. ``parts`` says whether their rows or their modules were set beside each other, or nothing.

    ``export`` says what an export did to the network, where one is a YAML and the other a file that was made of it, or
    what was done between two files that are graphs.
    """

    before: int
    after: int
    differences: list[Difference]
    metrics: list[Delta]
    parts: Literal["rows", "modules", "none"]
    changes: list[Change]
    explanations: list[Explanation]
    export: list[str] = msgspec.field(default_factory=list)


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """The models that no other beats: none is better in ``x`` or ``y``, and at least as good in the other."""

    x: str
    y: str
    members: list[int]


class Comparison(SavedRecord, frozen=True, kw_only=True):
    """Several models beside each other; every one but the first is paired with the first.

    ``failures`` are those that were named too, and could not be counted.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    models: list[Side]
    pairs: list[Pair]
    front: Front
    failures: list[Failure] = msgspec.field(default_factory=list)

    @property
    def headline(self) -> str:
        """What is compared."""
        return " → ".join(model.name for model in self.models)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a comparison (draft 2020-12)."""
    return schema_of(Comparison, "archprof comparison")
