"""What is imported once in the process that counters' processes are forked from, and nowhere else."""

import gc

# A collection is to be rare: a process that is forked copies all that it walks through. Nothing is frozen, since
# Triton, which comes with torch's compiler, would then print what it takes for leaks when the process ends.
gc.set_threshold(500_000)

import torchvision.ops  # noqa: E402 - it loads torch's compiler, which takes a second and which two counters need

from archprof.counters import process  # noqa: E402

__all__ = ["process", "torchvision"]
