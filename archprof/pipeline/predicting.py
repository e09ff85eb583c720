"""Adds to a finished count how long the forward pass should take here. Free of torch where nothing is calibrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.errors import UsageError
from archprof.latency import calibration_store, prediction

if TYPE_CHECKING:
    from collections.abc import Collection

    from archprof.pipeline.request import PredictionRequest
    from archprof.records.calibration import Device
    from archprof.records.profile import Profile


def with_prediction(profile: Profile, request: PredictionRequest) -> Profile:
    """The profile with a prediction, or with why there is none where this computer was calibrated for something else.

    Args:
        profile: What was counted.
        request: The device, and its threads.
    """
    dtype = profile.input.dtype if "float" in profile.input.dtype else "float32"  # of tokens, the weights' type
    device = calibration_store.this_device(dtype, request.device)
    result, reason = None, None
    if calibration := calibration_store.find(device, request.threads):
        result = prediction.predict(profile, calibration)
        reason = prediction.reason_for_none(profile, calibration)
    elif reason := calibration_store.reason_for_none(device, request.threads):
        reason += f"; `{_command(device, request)}` measures that"
    return msgspec.structs.replace(profile, prediction=result, prediction_absent=reason)


def check(request: PredictionRequest, dtypes: Collection[str]) -> None:
    """See to it that something can be predicted here.

    Args:
        request: The device, and its threads.
        dtypes: The types of weights that models have.

    Raises:
        UsageError: Where this computer is calibrated for none of them.
    """
    devices = [calibration_store.this_device(dtype, request.device) for dtype in dtypes]
    if not any(calibration_store.find(device, request.threads) for device in devices):
        reason = calibration_store.reason_for_none(devices[0], request.threads) or "this computer was not calibrated"
        hint = f"`{_command(devices[0], request)}` measures it, once"
        raise UsageError(f"latency cannot be predicted: {reason}", hint=hint)


def _command(device: Device, request: PredictionRequest) -> str:
    """What calibrates this computer for what was asked for."""
    options = [
        *([f"--device {request.device}"] if device.queued else []),
        *([f"--threads {request.threads}"] if request.threads and not device.queued else []),
        *([f"--dtype {device.dtype}"] if device.dtype != "float32" else []),
    ]
    return " ".join(["archprof calibrate", *options])
