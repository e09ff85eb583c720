"""Files of the user's that are called like modules that archprof imports are never imported in their stead."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    "utils",
    "torch",
    "yaml",
    "typer",
    "msgspec",
    "rich",
    "numpy",
    "typing",
    "typing_extensions",
    "random",
    "logging",
    "queue",
    "pickle",
    "tempfile",
]
PACKAGES = ["thop", "model_zoo", "ultralytics", "archprof_blocks", "timm"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of such files and packages, each of which raises."""
    for name in FILES:
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('{name} of the user')", encoding="utf-8")
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the user')", encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "archprof", *words, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_model_of_the_zoo_is_counted(folder: Path) -> None:
    result = run(folder, "summary", "yolov13-DynamicConv", "yolo11", "--imgsz", "64", "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert "of the user" not in result.stderr
    assert "yolov13-DynamicConv" in result.stdout


def test_a_module_of_the_users_is_imported_that_is_named(folder: Path) -> None:
    (folder / "mynets.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Conv2d(3, 4, 1)\n", encoding="utf-8"
    )
    result = run(folder, "summary", "mynets:make", "--imgsz", "64", "--format", "csv")
    assert result.returncode == 0, result.stderr
    assert "Conv2d" in result.stdout


def test_a_script_beside_such_a_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "model_zoo").mkdir()
    (tmp_path / "model_zoo" / "__init__.py").touch()
    code = """
import archprof
from archprof.errors import PluginError
from archprof.sources.reference import resolve
assert resolve("yolov13-DynamicConv").family == "yolov13"
try:
    archprof.profile("yolov13-DynamicConv", imgsz=64)
except PluginError as error:
    assert "model_zoo comes before model_zoo.yolov13 on Python's path" in error.message, error
    assert error.hint == "rename model_zoo, or start from another folder", error
else:
    raise AssertionError
"""
    (tmp_path / "script.py").write_text(code, encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "script.py")], check=True, cwd=tmp_path)
