from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import archprof.profiling
from archprof import batch, cache
from archprof.build.ultralytics_import import import_ultralytics
from archprof.cache import sources, surroundings
from archprof.options import Options
from archprof.variant.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from archprof.profiles import Profile

TINY = """\
nc: 2
scales:
  n: [1.0, 1.0, 1024]
  s: [1.0, 2.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def folder(as_new: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with ``tiny.yaml`` in it, and a cache of its own that is on."""
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "enabled", True)
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    for looked_at in (surroundings.surroundings, surroundings.own_source, sources.digest_of):
        looked_at.cache_clear()


class Counter:
    """Profiles as a command does, each time as in a new process; knows how often it was counted rather than read."""

    def __init__(self) -> None:
        self.counted = 0
        # These set environment variables, among them some of torch's, which are part of the surroundings.
        import_ultralytics()
        import_module("timm")

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file as if that had been done before the process began."""
        path.write_text(text, encoding="utf-8")
        os.utime(path, (sources.STARTED - 10, sources.STARTED - 10))

    def __call__(self, reference: str = "tiny.yaml", scale: str | None = None, **more: object) -> Profile:
        _forget()
        plugins, details = more.pop("plugins", ()), more.pop("details", True)
        task = batch.Task(resolve(reference, scale=scale), Options(**{"size": (32,), **more}))  # type: ignore[arg-type]
        (profile,) = batch.profile_all([task], batch.Means(plugins=plugins, details=details))  # type: ignore[arg-type]
        if isinstance(profile, Exception):
            raise profile
        return profile


@pytest.fixture
def count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    real: Callable[..., Profile] = archprof.profiling.profile_spec

    def counting(*arguments: object, **keywords: object) -> Profile:
        counter.counted += 1
        return real(*arguments, **keywords)

    monkeypatch.setattr(archprof.profiling, "profile_spec", counting)
    return counter
