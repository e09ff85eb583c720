"""Whether a batch fits in a device's memory, and the largest that does."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING

import psutil
import torch

from archprof.profiling import prepare

if TYPE_CHECKING:
    from archprof.options import Options
    from archprof.profiles import Profile
    from archprof.variant.spec import Spec


CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells a container the bytes that it may have, in the second and in the first version of its groups."""


def too_large(profile: Profile) -> str | None:
    """Why a counted model would not fit in this machine's memory; None where it would.

    The system promises memory that it does not have and then ends the process, so this is worked out and not tried:
    weights, and the activations that are held at once.
    """
    totals, batch, free = profile.totals, profile.input.batch, _free()
    needed = totals.weight_bytes + totals.peak_activation_bytes
    if needed <= free:
        return None
    largest = (free - totals.weight_bytes) * batch // max(totals.peak_activation_bytes, 1)
    place = f"cpu: weights and activations take {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free"
    return _message(batch, place, largest, "would, worked out from that and not tried")


def _free() -> int:
    """Bytes that this process may still have: of the system, of its container, and of its own limit (``ulimit -v``)."""
    process = psutil.Process().memory_info()
    bounds: list[int] = [psutil.virtual_memory().available]
    for path in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # there is no such file, or it says "max"
            bounds.append(int(path.read_text(encoding="ascii")) - process.rss)
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            bounds.append(limit - process.vms)
    return max(0, min(bounds))


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that a device has no memory left."""
    exhausted = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return exhausted or any(words in str(error) for words in ("can't allocate memory", "STATUS_ALLOC_FAILED"))


def out_of_memory(error: Exception, spec: Spec, options: Options, device: str) -> str:
    """What to say of a batch that was tried and did not fit: the largest that did, found by trying.

    Args:
        error: What was raised; its frames hold what filled the memory, and are cleared.
        spec: What was built.
        options: How.
        device: Where: "cpu" or "cuda:N".
    """
    clear_frames(error.__traceback__)
    fits, fails = 0, options.batch
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _runs(spec, replace(options, batch=middle, device=device)):
            fits = middle
        else:
            fails = middle
    total = torch.cuda.get_device_properties(device).total_memory if device.startswith("cuda") else None
    place = f"{device} ({total / 1e9:.1f} GB)" if total else device
    return _message(options.batch, place, fits, "does, found by trying")


def _runs(spec: Spec, options: Options) -> bool:
    gc.collect()  # the collector waits while something is measured, and the model that was tried before may hold itself
    if options.device.startswith("cuda"):
        torch.cuda.empty_cache()
    try:
        built, inputs = prepare(spec, options)
        with torch.inference_mode():
            built.module(*inputs)
        if options.device.startswith("cuda"):
            torch.cuda.synchronize(options.device)
    except Exception:
        # Whatever it is, this batch does not run: kernels that count in 32 bits refuse what has too many elements.
        return False
    return True


def _message(batch: int, place: str, largest: int, how: str) -> str:
    if largest < 1:
        return f"not even one sample fits on {place}"
    return f"a batch of {batch} does not fit on {place}; the largest that {how}, is {largest}"
