"""What a YAML without ``backbone:`` is, where its keys tell: data sets and other projects' configs are met often."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Kind(NamedTuple):
    """A kind of YAML that is no model.

    Attributes:
        name: What to call it.
        all_of: The keys that it has.
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

KINDS = (
    _kind("a dataset YAML, not a model", "names", "train val test path nc download"),
    _kind("a dataset YAML, not a model", "train val"),
    _kind("a hyperparameter file, not a model", "lr0", "lrf momentum weight_decay mosaic"),
    _kind("the training arguments of Ultralytics, not a model", "model", "mode epochs data imgsz"),
    _kind("the anchors of YOLOv5, not a model", "", "anchors_p5_640 anchors_p6_640"),
    _kind("a budget or claims file, not a model", "", "budgets claims"),
    _kind("a Detectron2 config", "MODEL", hint=PYTHON),
    _kind("a Detectron2 config", "_BASE_", hint=PYTHON),
    _kind("a PaddleDetection config", "architecture", hint=PYTHON),
    _kind("an RT-DETR config", "__include__", hint=PYTHON),
    _kind("a Hydra config", "_target_", hint=PYTHON),
    _kind("a Hydra config", "defaults", hint=PYTHON),
    _kind("an MMDetection config", "model", "train_cfg test_cfg train_dataloader train_pipeline optim_wrapper", PYTHON),
    _kind("an MMDetection config", "", "model default_hooks", PYTHON),
    _kind("a workflow of GitHub, not a model", "jobs", "on true name"),
    _kind("a Compose file, not a model", "services"),
)
"""The kinds, each before a more general one."""


def kind_of(keys: Collection[str]) -> Kind | None:
    """The kind of YAML that has these keys at its top level; None where they tell nothing."""
    names = frozenset(keys)
    return next(
        (
            kind
            for kind in KINDS
            if (kind.all_of or kind.any_of) and kind.all_of <= names and (not kind.any_of or kind.any_of & names)
        ),
        None,
    )
