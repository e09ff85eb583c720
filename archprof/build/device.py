"""Devices by name."""

from __future__ import annotations

import torch

from archprof.errors import DeviceError, UsageError

KINDS = ("cpu", "cuda", "meta")


def find_device(name: str) -> torch.device:
    """``cpu``, ``cuda``, ``cuda:1`` or ``meta`` -> the device.

    Raises:
        UsageError: Where the name is none of these.
        DeviceError: Where there is no such device here.
    """
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and (kind != "cuda" or not index.isdecimal())):
        raise UsageError(f"unknown device {name!r}", hint="a device is cpu, cuda, cuda:N or meta")
    if kind == "cuda":
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(index or 0) >= there:
            devices = ", ".join(["cpu", "meta", *(f"cuda:{number}" for number in range(there))])
            raise DeviceError(f"there is no device {name!r} here", hint=f"there is {devices}")
    return torch.device(name)
