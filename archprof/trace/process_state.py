"""What of the process itself a model may change while it runs; all of it is put back.

Streams of random numbers, torch's flags, warning filters and the environment: a model that draws, or that sets what it
likes best, leaves its user what he had.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_C: Any = torch._C
_ENVIRONMENT: Any = os.environ
_KINDS = ("cpu", "cuda")


class _Setting(NamedTuple):
    """How something is read, and how it is set to what was read."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def _pair(reader: str, writer: str, *key: str) -> Iterator[_Setting]:
    """Two functions of torch's core, where this torch has them."""
    read, write = getattr(_C, reader, None), getattr(_C, writer, None)
    if read is not None and write is not None:
        yield _Setting(lambda: read(*key), lambda value: write(*key, value))


def _default_device() -> torch.device | None:
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def _environment() -> dict[Any, Any]:
    return dict(_ENVIRONMENT._data)  # decoding each of them takes a hundred times as long


def _write_environment(before: dict[Any, Any]) -> None:
    for name in _ENVIRONMENT._data.keys() - before.keys():
        del _ENVIRONMENT[_ENVIRONMENT.decodekey(name)]
    for name, value in before.items():
        if _ENVIRONMENT._data.get(name) != value:
            _ENVIRONMENT[_ENVIRONMENT.decodekey(name)] = _ENVIRONMENT.decodevalue(value)


def _write_filters(before: list[Any]) -> None:
    warnings.resetwarnings()  # so that Python notices
    warnings.filters[:] = before  # type: ignore[index]


def _matmul_precision() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # it is set for single backends, which torch does not allow to be asked so
        return None


def _write_matmul_precision(before: str | None) -> None:
    if before is not None:
        torch.set_float32_matmul_precision(before)


_FLAGS = (
    *("cudnn_enabled", "cudnn_benchmark", "cudnn_deterministic", "mkldnn_enabled", "mkldnn_deterministic"),
    *("nnpack_enabled", "deterministic_fill_uninitialized_memory"),
)
_SETTINGS = (
    _Setting(torch.get_default_dtype, torch.set_default_dtype),
    _Setting(_default_device, torch.set_default_device),
    _Setting(torch.get_num_threads, torch.set_num_threads),
    _Setting(
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda before: torch.use_deterministic_algorithms(before[0], warn_only=before[1]),
    ),
    _Setting(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda before: _C.set_anomaly_enabled(*before),
    ),
    _Setting(_matmul_precision, _write_matmul_precision),
    *(setting for flag in _FLAGS for setting in _pair(f"_get_{flag}", f"_set_{flag}")),
    *(
        setting
        for kind in ("flash", "math", "mem_efficient", "cudnn")
        for setting in _pair(f"_get_{kind}_sdp_enabled", f"_set_sdp_use_{kind}")
    ),
    *(
        setting
        for backend, operation in (("cuda", "matmul"), ("cuda", "conv"), ("cuda", "rnn"), ("mkldnn", "matmul"))
        for setting in _pair("_get_fp32_precision_getter", "_set_fp32_precision_setter", backend, operation)
    ),
    *(setting for kind in _KINDS for setting in _pair("is_autocast_enabled", "set_autocast_enabled", kind)),
    *(setting for kind in _KINDS for setting in _pair("get_autocast_dtype", "set_autocast_dtype", kind)),
    _Setting(torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    _Setting(random.getstate, random.setstate),
    _Setting(lambda: [*warnings.filters], _write_filters),
    _Setting(_environment, _write_environment),
)


@contextmanager
def process_state() -> Iterator[None]:
    """While it holds, the process may be changed in these ways; afterwards it is as it was."""
    cuda: Any = torch.cuda
    devices = [cuda.current_device()] if cuda.is_initialized() else []
    numpy: Any = sys.modules.get("numpy")
    stream = numpy and numpy.random.get_state()
    before = [setting.read() for setting in _SETTINGS]
    torch.clear_autocast_cache()  # of weights that were cast before, which a pass would not see
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            torch.clear_autocast_cache()
            for setting, value in zip(_SETTINGS, before, strict=True):
                if setting.read() != value:
                    setting.write(value)
            if numpy:
                numpy.random.set_state(stream)
