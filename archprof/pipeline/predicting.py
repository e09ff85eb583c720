"""Adds to a finished count how long the forward pass should take here. Free of torch where nothing is calibrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.latency import calibration_store, prediction

if TYPE_CHECKING:
    from archprof.pipeline.request import PredictionRequest
    from archprof.records.profile import Profile


def predicted(profile: Profile, request: PredictionRequest) -> Profile:
    """The profile with a prediction, where the device was calibrated for its type of number.

    Args:
        profile: What was counted.
        request: The device, and its threads.
    """
    dtype = profile.input.dtype if "float" in profile.input.dtype else "float32"  # of tokens, the weights' type
    calibration = calibration_store.find(calibration_store.this_device(dtype, request.device), request.threads)
    result = prediction.predict(profile, calibration) if calibration else None
    return msgspec.structs.replace(profile, predicted=result)
