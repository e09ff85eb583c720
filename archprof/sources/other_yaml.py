"""What a YAML without ``backbone:`` is, where its keys tell: data sets and other projects' configs are met often."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(NamedTuple):
    """A kind of YAML that is no model.

    Attributes:
        name: What to call it.
        all_of: The keys that it has, as :func:`shapes` writes them.
        any_of: Of these at least one.
        hint: What to do.
    """

    name: str
    all_of: frozenset[str]
    any_of: frozenset[str] = frozenset()
    hint: str = "give the model's YAML, whose rows stand under backbone: and head:"


def _kind(name: str, all_of: str, any_of: str = "", hint: str | None = None) -> Kind:
    kind = Kind(name, frozenset(all_of.split()), frozenset(any_of.split()))
    return kind._replace(hint=hint) if hint else kind


PYTHON = "build it in a function of yours, and name that: FILE.py:FACTORY"

EXPORT = "its models are Paddle's: export the model to ONNX, and name that file"

_DETECTRON2 = (
    "MODEL.META_ARCHITECTURE MODEL.WEIGHTS MODEL.RESNETS MODEL.ROI_HEADS MODEL.MASK_ON MODEL.KEYPOINT_ON "
    "MODEL.RETINANET MODEL.ANCHOR_GENERATOR MODEL.FPN"
)

KINDS = (
    _kind("a dataset YAML, not a model", "names", "train val test path nc download"),
    _kind("a dataset YAML, not a model", "train", "val nc"),
    _kind("a dataset YAML, not a model", "train_set val_set"),
    _kind("a hyperparameter file, not a model", "lr0", "lrf momentum weight_decay mosaic"),
    _kind("the training arguments of timm, not a model", "model= opt=", hint="name the model: timm:NAME"),
    _kind("the training arguments of Ultralytics, not a model", "model=", "mode epochs data imgsz"),
    _kind("the settings of a tracker, not a model", "tracker_type"),
    _kind("the anchors of YOLOv5, not a model", "", "anchors_p5_640 anchors_p6_640"),
    _kind("a budget or claims file, not a model", "", "budgets claims"),
    _kind("a PaddleDetection config", "architecture=", hint=EXPORT),
    _kind("a PaddleDetection config", "_BASE_[]", hint=EXPORT),
    _kind("a PaddleOCR config", "Global. Architecture.", hint=EXPORT),
    _kind("a PaddleClas config", "Global. Arch.", hint=EXPORT),
    _kind("a Detectron2 config", "MODEL.", _DETECTRON2, hint=PYTHON),
    _kind("a Detectron2 config", "_BASE_", hint=PYTHON),
    _kind("a Detectron2 config", "SOLVER.", "DATASETS. INPUT.", hint=PYTHON),
    _kind("a YACS config", "MODEL.", hint=PYTHON),
    _kind("an RT-DETR config", "__include__", hint=PYTHON),
    _kind("an RT-DETR config", "model=", "RTDETR. DFINE. DEIM. HybridEncoder. RTDETRTransformer.", hint=PYTHON),
    _kind("a Hydra config", "_target_", hint=PYTHON),
    _kind("a Hydra config", "defaults[]", hint=PYTHON),
    _kind("a config of PyTorch Lightning", "trainer.", "model. data.", hint=PYTHON),
    _kind("a NanoDet config", "model.arch", hint=PYTHON),
    _kind("a DAMO-YOLO config", "model.backbone model.neck model.head", "miscs", hint=PYTHON),
    _kind("a SuperGradients config", "backbone. heads.", hint=PYTHON),
    _kind("an MMDetection config", "", "_base_ default_scope default_hooks dataset_type train_pipeline", PYTHON),
    _kind("an MMDetection config", "model.", "model.type train_cfg test_cfg train_dataloader optim_wrapper", PYTHON),
    _kind("the config of a transformers model", "", "architectures[]", hint=PYTHON),
    _kind("the config of a transformers model", "model_type= hidden_size=", hint=PYTHON),
    _kind("a workflow of GitHub, not a model", "jobs", "on true name"),
    _kind("a Compose file, not a model", "services"),
    _kind("an environment of conda, not a model", "dependencies[]"),
    _kind("a pre-commit configuration, not a model", "repos[]"),
    _kind("a Kubernetes manifest, not a model", "apiVersion kind"),
    _kind("a sweep of Weights & Biases, not a model", "method= parameters."),
    _kind("a model of MLflow, which is not read", "flavors.", hint="name the file with its weights, or its ONNX file"),
)
"""The kinds, each before a more general one."""


def shapes(node: yaml.Node) -> Iterator[str]:
    """The keys of a mapping, and of what kind each value is.

    A key is given by itself, and as ``key=`` for a value, ``key[]`` for a list, and ``key.`` for a mapping, whose own
    keys follow as ``key.inner``.
    """
    for key, value in _pairs(node):
        yield key
        if isinstance(value, yaml.MappingNode):
            yield f"{key}."
            yield from (f"{key}.{inner}" for inner, _ in _pairs(value))
        else:
            yield f"{key}[]" if isinstance(value, yaml.SequenceNode) else f"{key}="


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return ((key.value, value) for key, value in pairs if isinstance(key, yaml.ScalarNode))


def kind_of(node: yaml.Node) -> Kind | None:
    """The kind of YAML whose outermost node this is; None where its keys tell nothing."""
    keys = frozenset(shapes(node))
    return next((kind for kind in KINDS if kind.all_of <= keys and (not kind.any_of or kind.any_of & keys)), None)
