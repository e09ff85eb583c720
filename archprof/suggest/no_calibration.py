"""What is said where latency is limited and cannot be predicted. Free of torch."""

from __future__ import annotations

from archprof.errors import UsageError


def no_calibration(reason: str, dtype: str, device: str) -> UsageError:
    """The error of a latency that cannot be predicted, with what to type."""
    options = [
        *([f"--device {device}"] if device.startswith("cuda") else []),
        *([f"--dtype {dtype}"] if dtype != "float32" else []),
    ]
    command = " ".join(["archprof calibrate", *options])
    return UsageError(f"latency cannot be predicted: {reason}", hint=f"`{command}` measures it, once")
