"""The calibrations that were kept, and which of them is this device's. Only a card's name needs torch."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING

import msgspec

from archprof import cache
from archprof.errors import OutputError
from archprof.latency.processor import available_cpus, cpu_name
from archprof.records.calibration import VERSION, Calibration, Device
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = {
    "cpu": ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
    "cuda": ("CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE", "PYTORCH_NO_CUDA_MEMORY_CACHING"),
}
"""Variables of the environment that change how torch computes, by the kind of device."""

_LIMIT = 4_000_000
"""Bytes beyond which a file is no calibration of ours."""


def this_device(dtype: str, name: str = "cpu") -> Device:
    """What torch would compute on here, in some type.

    Args:
        dtype: The type.
        name: The device: a card, as "cuda:1"; anything else is the CPU.

    Raises:
        DeviceError: Where there is no such card here.
    """
    kind = "cuda" if name.startswith("cuda") else "cpu"
    return Device(
        device=kind,
        name=cpu_name() if kind == "cpu" else _card_name(name),
        host="" if kind == "cpu" else cpu_name(),
        cpus=available_cpus(),
        dtype=dtype,
        torch=metadata.version("torch"),
        settings={name: os.environ[name] for name in SETTINGS[kind] if name in os.environ},
    )


def _card_name(name: str) -> str:
    import torch  # only where there is a card to be asked for its name

    from archprof.builder.device import find_device

    return torch.cuda.get_device_name(find_device(name))


def folder() -> Path:
    """Where calibrations are kept."""
    return cache.folder() / "calibrations"


def find(device: Device, threads: int | None = None) -> Calibration | None:
    """The kept calibration of a device; with as many threads as torch takes of itself where they are not given.

    On a card threads change nothing.

    A file that cannot be read, or is none, is passed over, as is one of another device or version.
    """
    for calibration in _saved():
        expected_threads = calibration.default_threads if threads is None else threads
        if calibration.device == device and calibration.threads in (None, expected_threads):
            return calibration
    return None


def reason_for_none(device: Device, threads: int | None = None) -> str | None:
    """Why :func:`find` finds nothing: in what the nearest calibration is of something else; None where there is none.

    Args:
        device: What is to be predicted for.
        threads: With how many threads; torch's own choice where None.
    """
    differences = [_differences(calibration, device, threads) for calibration in _saved()]
    fewest = min(differences, key=len, default=[])
    return f"calibrated {' and '.join(fewest)}" if fewest else None


def _differences(calibration: Calibration, device: Device, threads: int | None) -> list[str]:
    """What a calibration has other than a device, in words."""
    other = calibration.device
    parts = [
        (f"on {name}, not on {needed}", name != needed)
        for name, needed in ((other.device, device.device), (other.name, device.name), (other.host, device.host))
        if name and needed
    ]
    parts += [
        (f"with {plural(other.cpus, 'CPU')}, not {device.cpus}", other.cpus != device.cpus),
        (f"in {other.dtype}, not in {device.dtype}", other.dtype != device.dtype),
        (f"with torch {other.torch}, not {device.torch}", other.torch != device.torch),
        *(
            (f"with {name} {old}, not {new}", old != new)
            for name in sorted({*other.settings, *device.settings})
            for old, new in [(_value(other, name), _value(device, name))]
        ),
    ]
    if other.device == device.device and calibration.threads is not None:
        needed, whose = (calibration.default_threads, " (torch's default)") if threads is None else (threads, "")
        text = f"with {plural(calibration.threads, 'thread')}, not {needed}{whose}"
        parts.append((text, calibration.threads != needed))
    return [text for text, differs in parts if differs]


def _value(device: Device, setting: str) -> str:
    return repr(device.settings[setting]) if setting in device.settings else "unset"


def _saved() -> Iterator[Calibration]:
    """Every sound calibration, the newest first."""
    calibrations = []
    with suppress(OSError):
        for path in folder().glob("*.json"):
            with suppress(OSError, msgspec.MsgspecError):
                if path.stat().st_size <= _LIMIT:
                    calibrations.append(msgspec.json.decode(path.read_bytes(), type=Calibration))
    calibrations = [calibration for calibration in calibrations if calibration.version == VERSION]
    yield from sorted(calibrations, key=lambda calibration: calibration.measured_at, reverse=True)


def state() -> str:
    """A text that is another one where predictions may be: what is calibrated, and the computer as it is now."""
    content = [this_device("float32"), *((saved.device, saved.threads, saved.measured_at) for saved in _saved())]
    return hashlib.blake2b(msgspec.json.encode(content, order="sorted"), digest_size=12).hexdigest()


def path_of(device: Device, threads: int | None) -> Path:
    """The file of a device with so many threads."""
    identity = msgspec.json.encode((device, threads), order="sorted")
    return folder() / f"{hashlib.blake2b(identity, digest_size=12).hexdigest()}.json"


def check(device: Device, threads: int | None) -> None:
    """Raise what :func:`keep` would raise, before there is anything to keep.

    Raises:
        OutputError: Where the folder cannot be written to.
    """
    path = path_of(device, threads)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writable = os.access(path.parent, os.W_OK)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    if not writable:
        raise _refused(path, "its folder may not be written to")


def keep(calibration: Calibration) -> Path:
    """Keep a calibration in place of that device's last one.

    Raises:
        OutputError: Where it cannot be written.
    """
    path = path_of(calibration.device, calibration.threads)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(msgspec.json.encode(calibration))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None
    return path


def _refused(path: Path, why: str) -> OutputError:
    hint = "ARCHPROF_CACHE_DIR names another folder to keep calibrations in"
    return OutputError(f"a calibration cannot be kept: {why}", path=path, hint=hint)
