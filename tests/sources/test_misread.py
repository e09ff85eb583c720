"""What is typed by mistake is answered with what to type."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.errors import ArchprofError
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two YAMLs in a folder, and a saved profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for name in ("a.yaml", "b.yml", "notes.txt"):
        (tmp_path / "models" / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "c.yaml").touch()
    (tmp_path / "saved.json").write_text(json.dumps({"version": 2}), encoding="utf-8")
    (tmp_path / "there.pt").touch()
    return tmp_path


SEVERAL = "name models/a.yaml or models/b.yml; `archprof summary "


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("imgsz=640", "'imgsz=640' is not a model: archprof does not take key=value", "write it as --imgsz 640"),
        ("model=x.yaml", "'model=x.yaml' is not a model", "give the model by itself: x.yaml"),
        ("reg_max=8", "'reg_max=8' is not a model", "--set reg_max=8"),
        ("https://example.org/x.yaml", "is an address: nothing is downloaded", "download it"),
        ("hf-hub:timm/resnet50", "is an address: nothing is downloaded", "download it"),
        (
            "yolo11n.pt",
            "there is no file 'yolo11n.pt', and weights are not downloaded",
            "name the architecture: yolo11n, yolo11n.yaml or FILE.py:",
        ),
        ("there.pt", "the file is empty", "copy or download the file again"),
        ("x.engine", "'x.engine' is an exported model", "name what it was exported from"),
        ("x.onnx", "there is no file 'x.onnx'", None),
        ("saved.json", "'saved.json' is a JSON file, not a model", "archprof compare saved.json MODEL"),
        ("models/*.y*ml", "'models/*.y*ml' matches 2 files, and one model is wanted", SEVERAL),
        ("models/*.json", "no file matches 'models/*.json'", None),
        ("models", "a directory, not a YAML file", SEVERAL),
        ("empty", "a directory without a YAML file", None),
        ("outer", "a directory without a YAML file", "there are some in outer/inner"),
        ("resnet50", "model 'resnet50' not found", "did you mean timm:resnet50 or torchvision:resnet50?"),
        ("timm/resnet50", "model 'timm/resnet50' not found", "did you mean timm:resnet50 or torchvision:resnet50?"),
        ("microsoft/resnet-50", "model 'microsoft/resnet-50' not found", "did you mean timm:resnet50"),
        ("vit_b_16", "model 'vit_b_16' not found", "did you mean torchvision:vit_b_16?"),
    ],
)
def test_the_answer_says_what_to_type(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ArchprofError) as caught:
        resolve(text)
    assert message in caught.value.message
    assert hint is None if caught.value.hint is None else hint is not None and hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_variant_of_such_a_name_is_one(folder: Path) -> None:
    (folder / "imgsz=640.yaml").write_text("backbone: [[-1, 1, Conv, [8]]]", encoding="utf-8")
    (folder / "net.json.yaml").write_text("backbone: [[-1, 1, Conv, [8]]]", encoding="utf-8")
    assert resolve("imgsz=640.yaml").name == "imgsz=640"
    assert resolve("net.json").name == "net.json"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("timm:resnet5", "timm has no model 'resnet5'\ndid you mean timm:resnet50 or "),
        ("torchvision:vgg61", "torchvision has no model 'vgg61'\ndid you mean torchvision:vgg1"),
        ("yolo11n --plugin nowhere.py", "nowhere.py: no such file"),
        ("yolo11n --plugin nowhere", "no module named 'nowhere'\na file is named with its extension: nowhere.py"),
        ("resnet50", "model 'resnet50' not found"),
    ],
)
def test_what_needs_no_torch_is_said_without_it(arguments: str, message: str) -> None:
    code = """
import sys
from archprof.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 2, end.code
assert not {"torch", "timm", "torchvision"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code, "summary", *arguments.split(), "--no-cache"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert result.stderr.startswith(f"error: {message}")
