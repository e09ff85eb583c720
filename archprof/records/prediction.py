"""How long a forward pass should take on a calibrated device, as it is saved."""

from __future__ import annotations

import msgspec

from archprof.records.calibration import Device  # noqa: TC001 - it is looked up to read a profile back


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """How long one forward pass should take, and what it spends the time on; the parts sum to ``seconds``.

    Attributes:
        device: What it is predicted for.
        threads: With how many threads; None on a card.
        calibrated_at: When the device was measured.
        seconds: The whole.
        interval_s: The interval that holds what is measured, for a share of models; None where the calibration has no
            held-out models.
        coverage: That share, if models differ from their predictions as the calibration's held-out ones did: 0.9 for
            nine of them.
        overhead_s: Calls of operations and modules; on a card, the time in which it waits for them.
        computing_s: Operations that their arithmetic holds up.
        moving_s: Operations that the memory holds up.
        fresh_memory_s: What it takes to have the activations' memory from the system.
        static_s: The whole of the model's static equivalent, where it has dynamic layers and a twin could be built.
        ridge: FLOPs per byte below which the device's memory holds an operation up, above which its arithmetic does:
            the best rate of any kernel over the memory's at the largest working set.
        peak_flops_per_s: The best rate of any kernel whose work is MACs, in FLOPs a second; None in a profile that was
            saved without it.
        peak_bytes_per_s: The memory's rate at the largest working set, in bytes a second; None as before.
        by_bytes: Kinds of operations whose arithmetic was not measured, with their calls: their bytes alone count.
    """

    device: Device
    threads: int | None
    calibrated_at: str
    seconds: float
    interval_s: tuple[float, float] | None = None
    coverage: float | None = None
    overhead_s: float
    computing_s: float
    moving_s: float
    fresh_memory_s: float
    static_s: float | None = None
    ridge: float
    peak_flops_per_s: float | None = None
    peak_bytes_per_s: float | None = None
    by_bytes: dict[str, int] = msgspec.field(default_factory=dict)
