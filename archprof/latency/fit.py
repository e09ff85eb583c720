"""Whether a batch fits in a device's memory, and the largest that does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import torch

from archprof.profiling import prepare

if TYPE_CHECKING:
    from archprof.options import Options
    from archprof.profiles import Profile
    from archprof.variant.spec import Spec


def too_large(profile: Profile) -> str | None:
    """Why a counted model would not fit in this machine's memory; None where it would.

    The system promises memory that it does not have and then ends the process, so this is worked out and not tried:
    weights, and the activations that are held at once.
    """
    totals, batch = profile.totals, profile.input.batch
    available = psutil.virtual_memory().available
    if totals.weight_bytes + totals.peak_activation_bytes <= available:
        return None
    largest = (available - totals.weight_bytes) * batch // max(totals.peak_activation_bytes, 1)
    return _message(batch, "cpu", f"{available / 1e9:.1f} GB free", largest)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that a device has no memory left."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def out_of_memory(spec: Spec, options: Options, device: str) -> str:
    """What to say of a batch that was tried and did not fit: the largest that did, found by trying."""
    fits, fails = 0, options.batch
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _runs(spec, replace(options, batch=middle, device=device)):
            fits = middle
        else:
            fails = middle
    total = torch.cuda.get_device_properties(device).total_memory if device.startswith("cuda") else None
    return _message(options.batch, device, f"{total / 1e9:.1f} GB" if total else "", fits)


def _runs(spec: Spec, options: Options) -> bool:
    try:
        built, inputs = prepare(spec, options)
        with torch.inference_mode():
            built.module(*inputs)
    except Exception as error:
        if is_out_of_memory(error):
            return False
        raise
    finally:
        if options.device.startswith("cuda"):
            torch.cuda.empty_cache()
    return True


def _message(batch: int, device: str, memory: str, largest: int) -> str:
    place = f"{device} ({memory})" if memory else device
    if largest < 1:
        return f"it does not fit on {place}, even one sample at a time"
    return f"a batch of {batch} does not fit on {place}; the largest that does is {largest}"
