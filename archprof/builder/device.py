"""Devices by name."""

from __future__ import annotations

import torch

from archprof.errors import DeviceError, UsageError

RUNNING = ("cpu", "cuda")
"""Kinds of devices that something runs on."""

KINDS = (*RUNNING, "meta")


def find_device(name: str, kinds: tuple[str, ...] = KINDS) -> torch.device:
    """``cpu``, ``cuda``, ``cuda:1`` or ``meta`` -> the device.

    Args:
        name: Its name.
        kinds: What it may be.

    Raises:
        UsageError: Where the name is none of these.
        DeviceError: Where there is no such device here.
    """
    kind, _, index = name.partition(":")
    if kind not in kinds or (index and (kind != "cuda" or not index.isdecimal())):
        known = ["cpu", "cuda", "cuda:N", *(other for other in kinds if other not in RUNNING)]
        raise UsageError(f"unknown device {name!r}", hint=f"a device is {', '.join(known[:-1])} or {known[-1]}")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(index or 0) >= count:
            others = [other for other in kinds if other != "cuda"]
            devices = ", ".join([*others, *(f"cuda:{number}" for number in range(count))])
            raise DeviceError(f"there is no device {name!r} here", hint=f"there is {devices}")
    return torch.device(name)
