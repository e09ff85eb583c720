"""The whole way from a spec to its profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.assemble import assemble
from archprof.build.blame import naming_rows
from archprof.build.inputs import make_inputs
from archprof.build.load import build
from archprof.count.conventions import thop_2_0
from archprof.count.ledger import count
from archprof.trace.run import ValuesNeededError, trace, trace_values

if TYPE_CHECKING:
    import torch

    from archprof.build.built import Built
    from archprof.count.ledger import Ledger
    from archprof.profile import Profile, Reported
    from archprof.trace.record import Trace
    from archprof.variant.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a spec is to be built and run.

    Attributes:
        size: The input's (height, width), (side,) of a square image, or (length,) for tokens; the model's own
            where None.
        batch: Samples at once.
        channels: Channels of the input image.
        fuse: Whether to fold normalisations into convolutions and drop branches that only train.
        device: "auto", "cpu", "cuda", "cuda:N" or "meta". The last two count without memory, so that
            counting never waits for a device; on the others the model really runs.
        dtype: The name of a torch dtype, of weights and images.
    """

    size: tuple[int, ...] | None = None
    batch: int = 1
    channels: int = 3
    fuse: bool = False
    device: str = "auto"
    dtype: str = "float32"


def profile_spec(spec: Spec, options: Options) -> Profile:
    """Build a spec, run it once, and count what ran.

    Raises:
        ArchprofError: Where it cannot be built, or does not run on the input asked for.
    """
    device = "meta" if options.device == "auto" else options.device
    remarks: tuple[str, ...] = ()
    try:
        built, inputs, pass_ = _run(spec, options, device)
    except ValuesNeededError as error:
        # The one case in which weights and activations are allocated although nobody asked for a device.
        device = "cpu"
        built, inputs, pass_ = _run(spec, options, device)
        remarks = (f"run on the CPU with values: {error.message}",)
    ledger = count(pass_)
    return assemble(
        built,
        ledger,
        inputs=inputs,
        device=device,
        reported=_reported(built, ledger, inputs),
        remarks=(*built.remarks, *remarks),
    )


def _run(spec: Spec, options: Options, device: str) -> tuple[Built, tuple[torch.Tensor, ...], Trace]:
    built = build(spec, channels=options.channels, device=device, fuse=options.fuse)
    inputs = make_inputs(built, size=options.size, batch=options.batch, dtype=options.dtype, device=device)
    if built.kind == "image":
        built.module.to(inputs[0].dtype)
    run = trace if device == "meta" else trace_values
    with naming_rows(built.module, spec):
        return built, inputs, run(built.module, inputs)


def _reported(built: Built, ledger: Ledger, inputs: tuple[torch.Tensor, ...]) -> dict[str, Reported]:
    """What others print of the same model, where they print anything."""
    if built.kind != "image":
        return {}
    height, width = inputs[0].shape[-2:]
    figure = thop_2_0.reported(built.module, ledger, (height, width))
    return {thop_2_0.NAME: figure} if figure else {}
