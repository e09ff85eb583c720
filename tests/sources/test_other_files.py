"""Configs of other projects that are no YAML are named, and what to name instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.errors import UnknownReferenceError
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

YOLOX = "import os\nfrom yolox.exp import Exp as MyExp\nclass Exp(MyExp):\n    pass\n"
CONFIGS = {
    ("yolox_s.py", YOLOX): "an experiment of YOLOX",
    ("damo.py", "from damo.config import Config as MyConfig\n"): "a DAMO-YOLO config",
    ("yolov6n.py", "model = dict(\n    type='YOLOv6n',\n)\n"): "a YOLOv6 config",
    ("retinanet.py", "_base_ = ['../_base_/models/retinanet_r50_fpn.py']\n"): "an MMDetection config",
    ("rtmdet.py", "model = dict(type='RTMDet')\n"): "an MMDetection config",
    ("lazy.py", "from detectron2.config import LazyCall as L\nmodel = L(GeneralizedRCNN)()\n"): "a Detectron2 config",
    ("yolov3.cfg", "[net]\nbatch=64\n[convolutional]\nfilters=32\n"): "a Darknet config",
    ("config.json", '{"architectures": ["BertModel"], "hidden_size": 768}'): "the config of a transformers model",
}


@pytest.mark.parametrize(("name", "text"), CONFIGS)
def test_it_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UnknownReferenceError) as caught:
        resolve(str(tmp_path / name))
    assert f"is {CONFIGS[name, text]}, not a model" in caught.value.message
    assert "FILE.py:FACTORY" in (caught.value.hint or "")


def test_a_file_of_functions_is_none(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("def make():\n    model = dict()\n", encoding="utf-8")
    with pytest.raises(UnknownReferenceError, match="is a file of Python, not a model"):
        resolve(str(tmp_path / "nets.py"))
