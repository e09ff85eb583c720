from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.sources import families
from archprof.sources.reference import resolve
from archprof.sources.spec import VariantSpec
from archprof.sources.task import task_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_families_of_the_zoo_are_installed() -> None:
    installed = families.families()
    assert {"llama", "parameternet", "resnet", "yolo11", "yolo26", "yolov10", "yolov13"} <= set(installed)
    assert all(family.folder for family in installed.values())


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("yolo11", "detect"),
        ("yolov10n", "detect"),
        ("rtdetr-l", "detect"),
        ("yolov8-world", "detect"),
        ("yoloe-26-seg", "segment"),
        ("yolo26-pose", "pose"),
        ("yolo26-obb", "obb"),
        ("yolo26-sem", "semantic"),
        ("yolo26-depth", "depth"),
        ("yolo11-cls", "classify"),
        ("llama-1b", "language"),
    ],
)
def test_the_task_is_told_from_the_last_row(name: str, task: str) -> None:
    spec = resolve(name)
    assert isinstance(spec, VariantSpec)
    assert task_of(spec) == task


def test_a_strangers_package_is_a_family_like_any_other(tmp_path: Path) -> None:
    """One that is installed, one that is registered and gone: neither is imported for a listing."""
    package = tmp_path / "strangers"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "odd2.yaml").write_text("family: odd\nbackbone: [[-1, 1, Conv, [64]]]")
    metadata = tmp_path / "strangers-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[archprof.families]\nodd = strangers\ngone = nowhere.at.all\n")
    code = """
from archprof.sources import families
from archprof.sources.reference import resolve
assert resolve("odd2").family == "odd"
assert list(families.families()["odd"].variants) == ["odd2"]
assert families.families()["gone"].folder is None
assert families.families()["gone"].variants == {}
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(tmp_path)})
