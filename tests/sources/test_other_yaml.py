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
    "train_set: train2017\nval_set: val2017": "a dataset YAML, not a model",
    "model: resnet50\nopt: sgd\nepochs: 300": "the training arguments of timm, not a model",
    "tracker_type: botsort\ntrack_high_thresh: 0.5": "the settings of a tracker, not a model",
    "MODEL: {META_ARCHITECTURE: RetinaNet}\nVERSION: 2": "a Detectron2 config",
    "INPUT: {MIN_SIZE_TRAIN: [640]}\nSOLVER: {IMS_PER_BATCH: 16}": "a Detectron2 config",
    "MODEL: {TYPE: swin, NAME: swin_tiny}": "a YACS config",
    "_BASE_: [ppyoloe_crn.yml]\ndepth_mult: 0.33": "a PaddleDetection config",
    "Global: {use_gpu: true}\nArchitecture: {algorithm: DB}": "a PaddleOCR config",
    "Global: {epochs: 120}\nArch: {name: ResNet50}": "a PaddleClas config",
    "task: detection\nmodel: RTDETR\nRTDETR: {backbone: PResNet}": "an RT-DETR config",
    "trainer: {max_epochs: 3}\nmodel: {class_path: x.Y}\ndata: {}": "a config of PyTorch Lightning",
    "model: {arch: {name: NanoDetPlus}}\ndata: {train: {}}": "a NanoDet config",
    "miscs: {}\nmodel: {backbone: {}, neck: {}, head: {}}": "a DAMO-YOLO config",
    "in_channels: 3\nbackbone: {NStageBackbone: {}}\nheads: {NDFLHeads: {}}": "a SuperGradients config",
    "_base_: [../faster_rcnn.py]\nmodel: {roi_head: {}}": "an MMDetection config",
    "default_scope: mmdet\nmodel: {type: YOLOX}": "an MMDetection config",
    "dataset_type: CocoDataset\ntrain_pipeline: []": "an MMDetection config",
    "architectures: [BertModel]\nhidden_size: 768": "the config of a transformers model",
    "name: env\ndependencies: [python=3.11]": "an environment of conda, not a model",
    "method: bayes\nparameters: {lr: {values: [1]}}": "a sweep of Weights & Biases, not a model",
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


def test_a_backbone_that_is_a_mapping_is_another_project_s_or_a_mistake() -> None:
    with pytest.raises(VariantError, match="backbone must be a list, not a mapping"):
        parse("nc: 80\nbackbone: {type: CSPDarknet}\nhead: {type: YOLOHead}", Path("model.yaml"))
