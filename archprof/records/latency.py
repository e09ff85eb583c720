"""What was measured of a model's latency, as it is saved. Seconds throughout; nothing here needs torch."""

import math

import msgspec

FASTER = "faster"
SLOWER = "slower"
CANNOT_TELL = "cannot tell"
VERDICTS = (FASTER, SLOWER, CANNOT_TELL)
"""What a comparison of two latencies may end in."""

PRECISION = "precision"
TIME = "time"
INTERRUPTED = "interrupted"
FAILED = "failed"
STOPS = (PRECISION, TIME, INTERRUPTED, FAILED)
"""Why sampling ended: the interval was narrow enough, the time was up, somebody pressed Ctrl-C, or it failed."""


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """The clock. ``overhead_s`` is what it measures of nothing at all: the median of many readings back to back."""

    name: str
    overhead_s: float


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What else the machine did.

    ``before`` and ``after`` are the load averages of one minute, None where the system keeps none. ``other_processes``
    is the share of all processors' time that other processes took while the samples were taken, from 0 to 1.
    """

    before: float | None
    after: float | None
    other_processes: float | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far a backend's outputs are from eager PyTorch's on the same input, before anything was timed.

    ``absolute`` is the largest difference of two elements, ``relative`` that over the largest element of eager's
    outputs; both are None where no number says it, as for outputs of other shapes. ``tolerance`` is what ``relative``
    may be.
    """

    absolute: float | None
    relative: float | None
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the backend computes what eager PyTorch computes."""
        return self.relative is not None and self.relative <= self.tolerance


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """A graphics card's state while it warmed up and was sampled, as far as its driver tells.

    It is asked between samples, at most ten times a second.

    Attributes:
        driver: The driver's version.
        readings: How often it was asked.
        clock_hz: The median of its clock, None where the driver does not tell.
        lowest_clock_hz: The lowest of them.
        max_clock_hz: What the clock may rise to.
        temperature_c: The highest temperature.
        throttled: The reasons for which the driver held the clock down, each with its share of the readings.
    """

    driver: str
    readings: int = 0
    clock_hz: int | None = None
    lowest_clock_hz: int | None = None
    max_clock_hz: int | None = None
    temperature_c: int | None = None
    throttled: dict[str, float] = msgspec.field(default_factory=dict)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The computer that the samples were taken on.

    ``governor`` is what steers the processors' frequency, ``torch_build`` how torch was built: its instruction set and
    libraries.
    """

    cpu: str
    cpus: int
    memory_bytes: int | None
    governor: str | None
    torch_build: str
    driver: str | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long one call of the model took, on one device with one backend.

    A sample is the mean time of ``calls_per_sample`` calls in a row; all samples are kept, in the order in which they
    were taken, and nothing is clipped. Where nothing could be measured ``error`` says why, and there are no samples.

    Attributes:
        device: Where it ran: "cpu" or "cuda:0".
        device_name: The processor's or the card's name.
        backend: What ran it, by its name on the command line.
        exporter: Of a backend that runs an ONNX file, which of torch's exporters made it: "torchscript"
            (``dynamo=False``) or "dynamo" (``dynamo=True``); None for other backends.
        options: What changed how it ran: "channels_last", "autocast bfloat16", "CUDA graph" ...
        dtype: The type of weights and inputs.
        batch: Samples at once.
        threads: Threads that the backend computes with; None where it has no such number.
        scope: What is inside the timer, in words.
        samples_s: The samples, oldest first.
        calls_per_sample: Calls that make one sample.
        samples_per_block: In a paired experiment, how many samples each model has in a block; else 0.
        median_s: Their median.
        ci95_s: The ends of its 95 % confidence interval.
        p90_s: The 90th percentile.
        p99_s: The 99th percentile.
        mad_s: The median of the absolute distances from the median.
        outliers: Samples beyond Tukey's outer fences; they are counted in everything above.
        warmup: Calls before the first sample.
        warmed_up: Whether the median had become stable in them.
        precision: Half the interval's width over the median: what was reached.
        precision_asked: What was asked for.
        stopped: Why sampling ended; one of :data:`STOPS`.
        duration_s: How long sampling took, with everything between the samples.
        timer: The clock.
        load: What else the machine did.
        agreement: How far the outputs are from eager PyTorch's; None for eager itself.
        gpu: The graphics card's state.
        notes: What a reader should know of it.
        error: Why there is nothing, or why there is no more.
    """

    device: str
    device_name: str
    backend: str
    exporter: str | None = None
    options: list[str] = msgspec.field(default_factory=list)
    dtype: str
    batch: int
    threads: int | None
    scope: str
    samples_s: list[float] = msgspec.field(default_factory=list)
    calls_per_sample: int = 1
    samples_per_block: int = 0
    median_s: float | None = None
    ci95_s: tuple[float, float] | None = None
    p90_s: float | None = None
    p99_s: float | None = None
    mad_s: float | None = None
    outliers: int = 0
    warmup: int = 0
    warmed_up: bool = False
    precision: float | None = None
    precision_asked: float | None = None
    stopped: str = TIME
    duration_s: float = 0.0
    timer: Timer | None = None
    load: Load | None = None
    agreement: Agreement | None = None
    gpu: Gpu | None = None
    notes: list[str] = msgspec.field(default_factory=list)
    error: str | None = None

    @property
    def per_image_s(self) -> float | None:
        """The median over the samples of a batch."""
        return None if self.median_s is None else self.median_s / self.batch

    @property
    def throughput(self) -> float | None:
        """Samples of a batch in a second, at the median."""
        return self.batch / self.median_s if self.median_s else None


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as long something takes as its base, with the interval that it lies in.

    ``confidence`` is how often such an interval holds the true ratio, at least; ``margin`` is the relative difference
    below which nobody should speak of one, and ``verdict`` one of :data:`VERDICTS`. The interval's upper end is None
    where there were too few blocks to know of one.
    """

    ratio: float
    interval: tuple[float, float | None]
    confidence: float
    margin: float
    verdict: str

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends of the interval as numbers, the upper one infinite where none is known."""
        low, high = self.interval
        return low, math.inf if high is None else high

    def inverse(self) -> "Ratio":
        """The base beside the model, instead of the model beside its base."""
        low, high = self.bounds
        verdicts = {FASTER: SLOWER, SLOWER: FASTER}
        return Ratio(
            ratio=1 / self.ratio,
            interval=saved((1 / high, 1 / low if low else math.inf)),
            confidence=self.confidence,
            margin=self.margin,
            verdict=verdicts.get(self.verdict, self.verdict),
        )


def saved(bounds: tuple[float, float]) -> tuple[float, float | None]:
    """The ends of an interval as they are saved: JSON has no infinity."""
    low, high = bounds
    return low, high if math.isfinite(high) else None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a paired experiment: ``model`` beside ``base``, both places in the list of what was compared."""

    base: int
    model: int
    device: str
    backend: str
    blocks: int
    looks: int
    result: Ratio
