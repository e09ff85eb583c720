from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import archprof.pipeline.composition
import archprof.pipeline.counting
from archprof import pipeline
from archprof.builder.options import Options
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.cache import code_files
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.records.profile import Profile


class Counter:
    """Profiles as a command does, each time as in a new process; knows how often it was counted rather than read."""

    def __init__(self, forget: Callable[[], None]) -> None:
        self.counted = 0
        self._forget = forget
        # These set environment variables, among them some of torch's, which are part of the surroundings.
        import_ultralytics()
        import_module("timm")

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file as if that had been done before the process began."""
        path.write_text(text, encoding="utf-8")
        os.utime(path, (code_files.STARTED - 10, code_files.STARTED - 10))

    def __call__(self, reference: str = "tiny.yaml", scale: str | None = None, **more: object) -> Profile:
        self._forget()
        plugins, level, conventions = more.pop("plugins", ()), more.pop("level", "full"), more.pop("conventions", ())
        options = Options(**{"size": (32,), **more})  # type: ignore[arg-type]
        request = pipeline.Request(resolve(reference, scale=scale), options, conventions, level)  # type: ignore[arg-type]
        (profile,) = pipeline.profile_all([request], pipeline.ExecutionConfig(plugins=plugins))  # type: ignore[arg-type]
        if isinstance(profile, Exception):
            raise profile
        return profile


@pytest.fixture
def count(folder: Path, forget_fingerprints: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts whole models: nothing is put together from rows that are known."""
    for name in ("known", "count"):
        monkeypatch.setattr(archprof.pipeline.composition, name, lambda *_: None)
    counter = Counter(forget_fingerprints)
    real: Callable[..., Profile] = archprof.pipeline.counting.profile_spec

    def counting(*arguments: object, **keywords: object) -> Profile:
        counter.counted += 1
        return real(*arguments, **keywords)

    monkeypatch.setattr(archprof.pipeline.counting, "profile_spec", counting)
    return counter
