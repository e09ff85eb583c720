"""The one way in which Ultralytics gets imported: silent, offline, and away from the user's own settings.

Ultralytics writes a settings file into the user's configuration folder when it is imported, asks the network
whether it is there, and prints. All of that is steered by environment variables which it reads at import.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from archprof import cache

if TYPE_CHECKING:
    from collections.abc import Iterator


def import_ultralytics() -> None:
    """Import ``ultralytics.nn.tasks``, unless somebody has. To be called before anything of Ultralytics is named."""
    if "ultralytics.nn.tasks" in sys.modules:
        return
    with _environment(
        YOLO_CONFIG_DIR=str(_settings_folder()),
        YOLO_OFFLINE="true",
        YOLO_VERBOSE="false",
        YOLO_AUTOINSTALL="false",
    ):
        import ultralytics.nn.tasks  # noqa: F401


def ultralytics_version() -> str:
    """The version that Ultralytics says of itself."""
    import ultralytics

    version: str = ultralytics.__version__
    return version


def _settings_folder() -> Path:
    """A folder of ours that Ultralytics may write to; a temporary one where the cache folder cannot be."""
    folder = cache.folder() / "ultralytics"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="archprof-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="archprof-"))


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    # Ultralytics sets this one itself; it would be handed down to whatever the process runs, and steer its torch.
    before = {name: os.environ.get(name) for name in (*values, "OMP_NUM_THREADS")}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
