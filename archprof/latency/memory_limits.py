"""Whether a batch fits in a device's memory, and the largest that does."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from traceback import clear_frames
from typing import TYPE_CHECKING, NamedTuple

import psutil
import torch

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.latency.timed_model import TimedModel
    from archprof.records.profile import Profile

_PEAK_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
"""Where Linux lets a process reset the peak of its memory, and where it tells it."""

CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells a container the bytes that it may have, in the second and in the first version of its groups."""


SCRATCH = 4
"""How many times what its tensors hold a pass takes on a CPU at most: kernels lay out copies of their operands. Of
ResNet-50, ViT-S, ConvNeXt, MobileNetV3 and YOLOs 1.2 to 2.7 times were measured."""

TRIED_S = 5.0
"""Seconds after which no larger batch is run to find out what a sample takes."""


class Memory(NamedTuple):
    """What a pass takes, in bytes: whatever the batch is, and for each sample of it; and how that is known."""

    fixed: float
    each: float
    known: str

    def of(self, batch: int) -> float:
        """The bytes of a batch."""
        return self.fixed + batch * self.each


def too_large(model: TimedModel) -> str | None:
    """Why a counted model would not fit in this machine's memory; None where it would.

    The system promises memory that it does not have and then ends the process, so the batch is not tried. Where its
    tensors could be too much for the memory that is free, small batches are run, and their memory says what a larger
    one takes.

    Args:
        model: The model.
    """
    totals, batch, free = model.profile.totals, model.profile.input.batch, _free()
    held = totals.peak_activation_bytes + _input_bytes(model.profile)
    tensors = Memory(totals.weight_bytes, held / batch, "its tensors alone")
    if SCRATCH * tensors.of(batch) <= free:
        return None
    most = int((free / SCRATCH - tensors.fixed) / max(tensors.each, 1))
    measured = _measured(model, min(most, batch), tensors)
    memory, how = (measured, "should") if measured else (tensors, "could")
    needed = memory.of(batch)
    if needed <= free:
        return None
    where = f"cpu: by {memory.known} it takes {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free"
    return _message(batch, where, int((free - memory.fixed) / max(memory.each, 1)), how)


def _input_bytes(profile: Profile) -> int:
    """What the inputs take, which are held besides the activations."""
    size: int = getattr(getattr(torch, profile.input.dtype, None), "itemsize", 0)  # "none" without a tensor
    return size * sum(math.prod(shape) for shape in profile.input.shapes)


def _measured(model: TimedModel, most: int, tensors: Memory) -> Memory | None:
    """What batches of 1, 2, 4 … take, as many as there is time for, the last two of which say what a larger one does.

    Returns:
        None where the system does not tell (a sandbox may leave the peak out), or they do not run.
    """
    if most < 1 or not _PEAK_RESET.exists():
        return None
    model.release()
    start, size = perf_counter(), 1
    try:
        peaks = [_peak_bytes(model, replace(model.options, batch=size, device="cpu"))]
        while 2 * size <= most and perf_counter() - start < TRIED_S:
            size *= 2
            peaks.append(_peak_bytes(model, replace(model.options, batch=size, device="cpu")))
    except (OSError, ValueError, MemoryError, RuntimeError):
        return None
    each = (peaks[-1] - peaks[-2]) / (size / 2) if size > 1 else peaks[0] - tensors.fixed
    each = max(each, tensors.each)
    return Memory(max(peaks[-1] - size * each, tensors.fixed), each, f"a batch of {size}")


def _peak_bytes(model: TimedModel, options: Options) -> int:
    """The most bytes that building and running a model adds to what this process has."""
    _give_back()
    before: int = psutil.Process().memory_info().rss
    _PEAK_RESET.write_text("5", encoding="ascii")  # proc_pid_clear_refs(5): the peak is what there is now
    built, inputs = model.build(options)
    with torch.inference_mode():
        built.module(*inputs)
    (peak,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024 - before


def _give_back() -> None:
    """Free what nothing uses: the collector waits while something is measured, and allocators keep what was freed."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):  # only the GNU C library has it
        ctypes.CDLL(None).malloc_trim(0)
    torch.cuda.empty_cache()


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


def out_of_memory(error: Exception, model: TimedModel, device: str) -> str:
    """What to say of a batch that was tried and did not fit: the largest that did, found by trying.

    Args:
        error: What was raised; its frames hold what filled the memory, and are cleared.
        model: The model.
        device: Where: "cpu" or "cuda:N".
    """
    clear_frames(error.__traceback__)
    model.release()
    fits, fails = 0, model.options.batch
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _runs(model, replace(model.options, batch=middle, device=device)):
            fits = middle
        else:
            fails = middle
    total = torch.cuda.get_device_properties(device).total_memory if device.startswith("cuda") else None
    where = f"{device} ({total / 1e9:.1f} GB)" if total else device
    return _message(model.options.batch, where, fits, "does, found by trying,")


def _runs(model: TimedModel, options: Options) -> bool:
    _give_back()
    try:
        built, inputs = model.build(options)
        with torch.inference_mode():
            built.module(*inputs)
        if options.device.startswith("cuda"):
            torch.cuda.synchronize(options.device)
    except Exception:
        # Whatever it is, this batch does not run: kernels that count in 32 bits refuse what has too many elements.
        return False
    return True


def _message(batch: int, where: str, largest: int, how: str) -> str:
    if largest < 1:
        return f"not even one sample fits on {where}"
    return f"a batch of {batch} does not fit on {where}; the largest that {how} is {largest}"
