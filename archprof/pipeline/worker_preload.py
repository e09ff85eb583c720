"""What is imported once in the process that workers are forked from, and nowhere else."""

import gc

from archprof.pipeline import worker

__all__ = ["worker"]

# A collection in a worker is not to walk through, and so copy, all that torch has made; and it is to be rare: a model
# has many small objects, nearly none of them in a cycle.
gc.freeze()
gc.set_threshold(500_000)
