"""What every test runs under: a home folder that is nobody's, and no network."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import hypothesis
import pytest

HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Move the home, configuration and cache folders before any library looks at them on import."""
    home = tempfile.mkdtemp(prefix="archprof-tests-")
    config.stash[HOME] = home
    for variable, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "XDG_CACHE_HOME": ".cache",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "YOLO_CONFIG_DIR": ".config/Ultralytics",
    }.items():
        path = Path(home, folder)
        path.mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


# A check of a change must not fail for what the change has not touched: the same examples every time there.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only sockets of this machine connect: profiling needs no network."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            pytest.fail(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def as_new(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the modules that other tests wrote and imported: a process that did so relies on no source."""
    base = str(tmp_path_factory.getbasetemp().parent)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(base):
            monkeypatch.delitem(sys.modules, name)


@pytest.fixture(scope="session")
def tiny() -> str:
    """A variant of three rows. On 64×64 it has 51,218 parameters and 24,220,672 FLOPs: see tests/cli/test_claims.py."""
    rows = ("backbone:", "  - [-1, 1, Conv, [16, 3, 2]]", "  - [-1, 1, Conv, [32, 3, 2]]", "head:")
    return "\n".join(("nc: 2", *rows, "  - [-1, 1, Classify, [nc]]", ""))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The project's own folder, for tests of its files; the code under test is the installed package's."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def thop_2_0() -> Path:
    """A folder with ultralytics-thop 2.0.14, to go first on the path of a process of its own."""
    folder = os.environ.get("ARCHPROF_THOP_2_0")
    if folder is None:
        pytest.skip(
            "set ARCHPROF_THOP_2_0 to a folder made by `pip install --no-deps --target FOLDER "
            "ultralytics-thop==2.0.14`, as `nox -s tests` does"
        )
    return Path(folder)


@pytest.fixture(scope="session")
def peak_kib() -> str:
    """An expression for a process's peak memory in KiB, to be evaluated in that process itself.

    Not ``ru_maxrss``: that begins with the peak of the process that ran it, which is the tests'.
    """
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process its own peak")
    return "int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
