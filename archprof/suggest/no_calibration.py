"""What is said where latency is limited and cannot be predicted. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.records.profile import Profile


def no_calibration(reason: str, dtype: str, device: str) -> UsageError:
    """The error of a latency that cannot be predicted, with what to type."""
    options = [
        *([f"--device {device}"] if device.startswith("cuda") else []),
        *([f"--dtype {dtype}"] if dtype != "float32" else []),
    ]
    command = " ".join(["archprof calibrate", *options])
    return UsageError(f"latency cannot be predicted: {reason}", hint=f"`{command}` measures it, once")


def require_prediction(profile: Profile, device: str) -> None:
    """See to it that a profile has a predicted latency.

    Raises:
        UsageError: Where it has none.
    """
    if profile.prediction is None:
        reason = profile.prediction_absent or "this computer was not calibrated"
        raise no_calibration(reason, profile.input.dtype, device)
