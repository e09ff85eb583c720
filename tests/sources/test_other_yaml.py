"""YAMLs of other kinds are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from archprof.errors import VariantError
from archprof.sources.parsed_yaml import parse

OTHERS = {
    "path: coco8\ntrain: images/train\nval: images/val\nnames: {0: person}": "a dataset YAML, not a model",
    "train: images/train\nval: images/val\nnc: 2": "a dataset YAML, not a model",
    "lr0: 0.01\nlrf: 0.01\nmosaic: 1.0": "a hyperparameter file, not a model",
    "mode: train\nmodel: yolo11n.pt\ndata: coco8.yaml": "the training arguments of Ultralytics, not a model",
    "anchors_p5_640: [[10, 13]]\nanchors_p6_640: [[9, 11]]": "the anchors of YOLOv5, not a model",
    "model: {type: FasterRCNN}\ntrain_cfg: {}\ntest_cfg: {}": "an MMDetection config",
    "_BASE_: ../Base-RCNN-FPN.yaml\nMODEL: {MASK_ON: true}": "a Detectron2 config",
    "architecture: PPYOLOE\nnorm_type: sync_bn": "a PaddleDetection config",
    "__include__: [../dataset.yml]\noutput_dir: out": "an RT-DETR config",
    "defaults: [_self_]\nlr: 0.1": "a Hydra config",
    "services: {web: {image: nginx}}": "a Compose file, not a model",
    "'on': push\njobs: {}": "a workflow of GitHub, not a model",
}


@pytest.mark.parametrize("text", OTHERS)
def test_it_is_named(text: str) -> None:
    with pytest.raises(VariantError) as caught:
        parse(text, Path("other.yaml"))
    assert (caught.value.message, caught.value.line) == (OTHERS[text], 1)
    assert caught.value.hint


def test_a_model_with_such_keys_is_a_model() -> None:
    sheet = parse("names: [a]\ntrain: x\nval: y\nbackbone: [[-1, 1, Conv, [8]]]", Path("model.yaml"))
    assert len(sheet.rows) == 1
