"""What the analysis of dynamic layers says: plain data, part of a saved profile. Nothing here needs torch."""

from __future__ import annotations

import msgspec

from archprof.records.latency import Comparison, Latency  # noqa: TC001 - they are looked up to read a profile back
from archprof.records.workload import Demand  # noqa: TC001 - it is too


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity of a plain layer, of the dynamic one by the as-built formula, and of the dynamic one as counted."""

    static: int
    as_built: int
    measured: int


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How often the plain layer's quantity the dynamic one has, by each formula and as counted.

    The paper has no formula for layers that choose among experts: there ``paper`` and ``paper_approximation`` are None.
    """

    paper: float | None
    paper_approximation: float | None
    as_built: float
    measured: float


class DynamicLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One dynamic layer, for the whole batch and all ``calls`` of it together.

    ``kind`` is "convolution", "linear" (one mixed matrix) or "experts" (each token multiplied by ``top_k`` of
    them). ``module`` owns bank and router. ``mixing_bytes`` is what the mixing of the kernels reads and writes,
    ``moved_bytes`` that with router and convolution, ``predicted_bytes`` the same by a formula, which there is for
    mixed kernels, and ``static_bytes`` what the plain layer moves. ``notes`` say why as-built and measured differ,
    ``broken_assumptions`` which assumptions of the paper's formulas do not hold where one of these is off by over 5 %.
    """

    module: str
    type: str
    kind: str
    in_channels: int
    out_channels: int
    kernel: list[int]
    groups: int
    stride: list[int]
    output_size: list[int]
    batch: int
    experts: int
    top_k: int = 0
    calls: int = 1
    router: list[int] = msgspec.field(default_factory=list)
    parameters: Figures
    macs: Figures
    parameters_ratio: Ratio
    flops_ratio: Ratio
    mixing_bytes: int
    moved_bytes: int
    predicted_bytes: int | None = None
    static_bytes: int
    notes: list[str] = msgspec.field(default_factory=list)
    broken_assumptions: list[str] = msgspec.field(default_factory=list)

    @property
    def intensity(self) -> float:
        """FLOPs of the convolution and matrix product family for each byte moved."""
        return 2 * self.macs.measured / self.moved_bytes if self.moved_bytes else 0.0

    @property
    def static_intensity(self) -> float:
        """The same of the plain layer."""
        return 2 * self.macs.static / self.static_bytes if self.static_bytes else 0.0


class MeasuredTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was counted to have, do and move, as in a profile's totals."""

    parameters: int
    macs: int
    elementwise_flops: int
    weight_bytes: int
    activation_bytes: int
    bytes_read: int
    bytes_written: int

    @property
    def bytes_moved(self) -> int:
        """What the operations read and write."""
        return self.bytes_read + self.bytes_written


class TwinLatency(msgspec.Struct, frozen=True, kw_only=True):
    """How long a model and its static equivalent take, measured in one paired experiment.

    ``comparison`` has the twin as its base (0) and the model beside it (1); it is None where one of them could not be
    measured, and its latency says why.
    """

    dynamic: Latency
    static: Latency
    comparison: Comparison | None


class ModelTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The whole model against its static equivalent.

    In ``parameters`` and ``macs`` the twin's figure is the model's with each dynamic layer's replaced with the plain
    one's. ``dynamic`` and ``static`` are both as they were built, run and counted; ``static`` is None where the twin
    cannot be built. ``static_demand`` is what its pass asks for, from which its latency is predicted; ``latency`` is
    what both take, where that was measured. ``remarks`` say why there is no twin, which layers it kept, and where its
    figures are not those of the formulas.
    """

    parameters: Figures
    macs: Figures
    parameters_ratio: Ratio
    flops_ratio: Ratio
    dynamic: MeasuredTotals
    static: MeasuredTotals | None
    static_demand: Demand | None = None
    latency: TwinLatency | None = None
    remarks: list[str] = msgspec.field(default_factory=list)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A model with some number of experts: its dynamic layers and its figures.

    ``torchprofile_macs`` are its MACs as torchprofile counts them, which is what the paper prints.
    """

    experts: int
    layers: int
    measured: MeasuredTotals
    torchprofile_macs: int | None = None


class ExpertSweep(msgspec.Struct, frozen=True, kw_only=True):
    """A model with one number of experts after another, and its static equivalent; None if nothing is dynamic."""

    points: list[Point]
    static: MeasuredTotals | None


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """How much more a dynamic layer has than the plain one, by the formulas and as counted."""

    predicted: int
    measured: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A plain convolution that was made dynamic, and what that brings and costs; ``bytes`` are those moved."""

    module: str
    in_channels: int
    out_channels: int
    kernel: list[int]
    groups: int
    stride: list[int]
    output_size: list[int]
    parameters: Gain
    macs: Gain
    bytes: Gain

    @property
    def per_flop(self) -> float:
        """Parameters gained for each FLOP more."""
        return self.parameters.measured / (2 * self.macs.measured)

    @property
    def per_byte(self) -> float:
        """Parameters gained for each byte moved more."""
        return self.parameters.measured / self.bytes.measured


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the most parameters a ranking reaches if it is taken from the top within half of the added traffic.

    ``optimum`` is the most that any choice within half of the added memory traffic gains; ``by_price`` and ``by_flop``
    are what each order gains. ``bytes_price`` is how many parameters one byte is worth in the linear relaxation.
    """

    optimum: int
    by_price: int
    by_flop: int
    bytes_price: float


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """A model with further convolutions made dynamic, the cheapest parameters first, as ``ranking`` has the prices.

    ``selection`` is what was asked for, ``experts`` M. ``before`` and ``after`` are the model as it is and with all
    candidates dynamic at once.
    """

    selection: str
    experts: int
    candidates: list[Candidate]
    before: MeasuredTotals
    after: MeasuredTotals
    ranking: Ranking | None = None


class ParameterNet(msgspec.Struct, frozen=True, kw_only=True):
    """The dynamic layers of a model, and what they do to the whole of it."""

    layers: list[DynamicLayer]
    model: ModelTotals
