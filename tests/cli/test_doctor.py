from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof.counters import COUNTERS
from archprof.doctor import missing_packages, requirements

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

EXECUTABLE = str(Path(sysconfig.get_path("scripts"), "archprof"))


def test_all_is_well_here(archprof: Callable[[str], Result]) -> None:
    result = archprof("doctor --format json")
    assert result.exit_code == 0, result.stdout
    diagnosis = json.loads(result.stdout)
    actual = {finding["check"]: finding for finding in diagnosis["findings"]}
    assert {finding["state"] for finding in actual.values()} == {"ok"}
    assert actual.keys() == {"devices", "import thop", *COUNTERS, "cache", "settings"}
    for name in COUNTERS:
        assert actual[name]["message"].endswith("gives 151,552 MACs for three layers")
    assert diagnosis["packages"]["ultralytics-thop"]


def test_what_is_broken_is_said_with_what_to_type(tmp_path: Path) -> None:
    # What `pip install --target` of the other package leaves, before the right one on Python's path.
    package, info = tmp_path / "site" / "thop", tmp_path / "site" / "thop-0.1.1.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("raise ImportError('too old for this torch')\n", encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thop\nVersion: 0.1.1\n", encoding="utf-8")
    (info / "RECORD").write_text("thop/__init__.py,,\n", encoding="utf-8")
    run = subprocess.run(
        [EXECUTABLE, "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert re.search(r"^broken +import thop ", run.stdout, re.M)
    # A command is on a line of its own, to be pasted.
    assert "\n    pip uninstall -y thop ultralytics-thop && pip install ultralytics-thop\n" in run.stdout
    assert run.stderr == "error: broken: import thop, ultralytics, thop\n"
    assert re.search(r"^ok +fvcore ", run.stdout, re.M)


def test_what_archprof_needs_is_read_from_its_own_metadata() -> None:
    lines = ["torch>=2.6", "typer<0.29,>=0.16", "torchinfo>=1.8; extra == 'audit'", 'a.b-c[x]>=1 ; extra == "onnx"']
    assert requirements(lines) == {"": ["torch", "typer"], "audit": ["torchinfo"], "onnx": ["a.b-c"]}
    assert {"torch", "ultralytics-thop", "msgspec"} <= set(requirements()[""])
    assert {"onnx", "onnxruntime"} <= set(requirements()[""])
    # One of torch's exporters to ONNX needs it, whatever reads the file.
    assert all("onnxscript" in requirements()[extra] for extra in ("onnx", "openvino"))


def test_missing_packages_are_named_with_what_to_type() -> None:
    needed = {"": ["torch", "timm"], "audit": ["ptflops", "torchinfo", "calflops"], "onnx": ["onnx", "onnxruntime"]}
    forward = {"torch": "2.6", "timm": None, "ptflops": "1", "torchinfo": None, "calflops": None, "onnx": "1"}
    findings = missing_packages({**forward, "onnxruntime": None}, needed)
    assert [(entry.check, entry.state, entry.message, entry.command) for entry in findings] == [
        ("timm", "broken", "the package timm is not installed", "pip install timm"),
        (
            "audit",
            "note",
            "torchinfo, calflops are not installed: `archprof audit` runs fewer counters without it",
            "pip install 'archprof[audit]'",
        ),
        (
            "onnx",
            "note",
            "onnxruntime is not installed: `archprof bench --backend onnxruntime` needs it",
            "pip install 'archprof[onnx]'",
        ),
    ]


def test_a_counter_whose_own_package_is_missing_names_it(tmp_path: Path) -> None:
    # calflops imports transformers; here nothing of that name can be imported.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'transformers':\n"
        '            raise ModuleNotFoundError(f"No module named {name!r}", name=name)\n'
        "sys.meta_path.insert(0, Refuse())\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [EXECUTABLE, "doctor", "--format", "json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    result = {finding["check"]: finding for finding in json.loads(run.stdout)["findings"]}
    assert result["calflops"]["state"] == "note"
    assert result["calflops"]["message"].endswith("needs the package transformers, which is not installed")
    assert result["calflops"]["command"] == "pip install transformers"


@pytest.fixture
def broken_packages(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command line where packages, each with an error, cannot be imported."""

    def run(line: str, **errors: str) -> subprocess.CompletedProcess[str]:
        for name, error in errors.items():
            (tmp_path / "site" / name).mkdir(parents=True)
            (tmp_path / "site" / name / "__init__.py").write_text(f"raise ImportError({error!r})\n", encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": str(tmp_path / "site"),
            "ARCHPROF_CACHE_DIR": str(tmp_path / "cache"),
        }
        return subprocess.run(
            [EXECUTABLE, *line.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


GL = "libGL.so.1: cannot open shared object file: No such file or directory"
"""What importing OpenCV ends with in a bare container."""


def test_a_missing_system_library_is_named_with_its_package(
    broken_packages: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    run = broken_packages("doctor", cv2=GL, timm="built for another torch")
    assert run.returncode == 2
    assert "to fix ultralytics:\n    apt-get install libgl1 libglib2.0-0\n" in run.stdout
    assert re.search(r"^broken +timm +cannot be imported: ImportError: built for another torch$", run.stdout, re.M)
    assert "to fix timm:\n    pip install --force-reinstall timm\n" in run.stdout
    assert run.stderr == "error: broken: ultralytics, timm\n"


def test_a_command_that_needs_a_broken_package_says_so(
    broken_packages: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    run = broken_packages("summary yolo11n.yaml", cv2=GL)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        f"error: the package cv2 cannot be imported: {GL}\n"
        "type: apt-get install libgl1 libglib2.0-0\n"
        "archprof doctor checks the whole installation\n"
    )


def test_without_torch_nothing_ends_in_an_internal_error(
    broken_packages: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    run = broken_packages("doctor", torch="libcudart.so.12: cannot open shared object file: No such file or directory")
    assert run.returncode == 2
    assert re.search(r"^broken +torch +cannot be imported: ImportError: libcudart\.so\.12", run.stdout, re.M)
    assert "to fix torch:\n    pip install --force-reinstall torch\n" in run.stdout
