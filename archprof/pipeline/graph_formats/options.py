"""What may be asked for of a file that is a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError
from archprof.sources.input_axes import InputSizes

if TYPE_CHECKING:
    from archprof.builder.input_spec import InputSpec
    from archprof.builder.options import Options

MEMORYLESS, RUN = "meta", "cpu"
"""What a profile calls the device of what was counted from shapes alone, and of what was run for them."""


def refuse(reference: str, options: Options, kind: str) -> None:
    """See to it that nothing is asked for that a file cannot be.

    Args:
        reference: What the user typed.
        options: What is asked for.
        kind: What the file is: "an ONNX file".

    Raises:
        UsageError: Where something is.
    """
    refused = {
        "--backward": options.backward,
        "--static": options.static,
        "--channels": options.channels is not None,
        f"--dtype {options.dtype}": options.dtype != "float32",
        f"--device {options.device}": options.device not in ("auto", MEMORYLESS, RUN),
    }
    if names := [name for name, given in refused.items() if given]:
        raise UsageError(
            f"{reference} is counted as it is: {' and '.join(names)} cannot be had of {kind}",
            hint="leave it out, or name what the file was exported from",
        )


def sizes_of(options: Options) -> InputSizes:
    """What the options say of the inputs; a batch of 1 is what they say where nobody does."""
    return InputSizes(
        options.size,
        options.batch if options.batch != 1 else None,
        dict(options.input_shapes),
        {spec.name: spec.dtype for spec in options.inputs if spec.dtype is not None},
        {spec.name: value for spec in options.inputs if (value := _given(spec)) is not None},
    )


def _given(spec: InputSpec) -> Any:
    """The values of an input: an array, or the only whole number of its range; None where nothing is said."""
    if spec.values is not None:
        return spec.values
    single = spec.whole and spec.low is not None and spec.high == spec.low + 1
    return int(spec.low) if single and spec.low is not None else None
