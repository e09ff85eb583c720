"""The processor that this process runs on. Nothing here needs torch."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path


def cpu_name() -> str:
    """The processor's name, as its maker gives it where the system says so."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def available_cpus() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
