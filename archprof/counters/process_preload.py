"""What is imported once in the process that counters' processes are forked from, and nowhere else."""

import gc

gc.set_threshold(500_000)

import torchvision.ops  # noqa: E402 - it loads torch's compiler, which takes a second and which two counters need

from archprof.counters import process  # noqa: E402

__all__ = ["process", "torchvision"]

# A collection in a counter's process is not to walk through, and so copy, all that torch has made.
gc.freeze()
