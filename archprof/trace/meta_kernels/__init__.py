"""The fast rules that give results on meta without asking torch: one file a kind of operation.

The tests hold each against torch on the CPU, and whole models against torch's own kernels on meta.
"""

# Each enters its rules in the table.
from archprof.trace.meta_kernels import (
    attention,  # noqa: F401
    convolution,  # noqa: F401
    cpu_semantics,  # noqa: F401
    creation,  # noqa: F401
    elementwise,  # noqa: F401
    index_requirements,  # noqa: F401
    indexing,  # noqa: F401
    joining,  # noqa: F401
    normalisation,  # noqa: F401
    products,  # noqa: F401
    reductions,  # noqa: F401
    resample,  # noqa: F401
    shape_requirements,  # noqa: F401
    type_requirements,  # noqa: F401
    views,  # noqa: F401
    window_requirements,  # noqa: F401
)
