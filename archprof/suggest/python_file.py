"""A placement as a Python file that applies it to a stock model, without archprof: for training it."""

from __future__ import annotations

import ast
from importlib import resources
from typing import TYPE_CHECKING

from archprof.sources.settings import DYNAMIC_CONVOLUTIONS
from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.builder.built import Built
    from archprof.sources.spec import Spec

_TRAINERS = {
    "detect": ("detect", "DetectionTrainer"),
    "segment": ("segment", "SegmentationTrainer"),
    "pose": ("pose", "PoseTrainer"),
    "obb": ("obb", "OBBTrainer"),
    "classify": ("classify", "ClassificationTrainer"),
}
"""Ultralytics' trainers: the module, and the class, by task."""

_ULTRALYTICS = '''

def build() -> nn.Module:
    """The network of {yaml} with these convolutions dynamic."""
    from ultralytics.nn.tasks import {network}, yaml_model_load

    cfg = {{**yaml_model_load({yaml!r}), {changes}}}
    return make_dynamic({network}(cfg, verbose=False))
'''

_TRAINER = '''

try:
    from ultralytics.models.yolo.{module} import {trainer}
except ImportError:
    pass
else:

    class DynamicTrainer({trainer}):
        """Ultralytics builds the network anew when training begins, so the trainer makes it dynamic there.

            from ultralytics import YOLO
            from {stem} import DynamicTrainer

            YOLO({yaml!r}).train(data="coco8.yaml", trainer=DynamicTrainer)
        """

        def get_model(self, cfg=None, weights=None, verbose=True):
            """The network, with those of the given weights that fit."""
            model = make_dynamic(super().get_model(cfg=cfg, weights=None, verbose=verbose))
            if weights:
                model.load(weights)
            return model
'''

_FACTORY = '''

def build() -> nn.Module:
    """The model with these convolutions dynamic."""
    import {package}

    return make_dynamic({package}.{call})
'''

_HEAD = '''"""{name} with {count} of its convolutions dynamic.

{usage}
It needs torch{needs}, and no archprof. A checkpoint that pickles the whole model
is read back where this file can be imported; a state dict, by `load_state_dict`.
"""

'''

_FOOT = '''

def make_dynamic(model: nn.Module) -> nn.Module:
    """The model with the convolutions dynamic that EXPERTS names, changed in place."""
    return replace_convolutions(model, EXPERTS)
'''


def python_of(spec: Spec, placement: Mapping[str, int], stem: str, built: Built) -> str:
    """A Python file that makes a model's convolutions dynamic.

    Args:
        spec: The model.
        placement: The number of experts by path.
        stem: The file's name without its extension.
        built: The model.
    """
    build, needs = _build(spec, stem, built)
    usage = "`build()` makes it; `make_dynamic(model)` does the same to a model that was built elsewhere."
    if not build:
        usage = "`make_dynamic(model)` makes them dynamic in a model that was built by its own code."
    head = _HEAD.format(name=spec.name, count=len(placement), usage=usage, needs=needs)
    lines = ",\n".join(f"    {path!r}: {number}" for path, number in placement.items())
    table = f'EXPERTS = {{\n{lines},\n}}\n"""The number of experts by the path of the convolution."""\n'
    return head + _source(table) + _FOOT + build


def _build(spec: Spec, stem: str, built: Built) -> tuple[str, str]:
    """What builds the stock model, and the package that it needs; nothing where only the user's code can build it."""
    arguments = "".join(f", {name}={value!r}" for name, value in spec.settings.items() if name != "nc")
    classes = f", num_classes={spec.settings['nc']!r}" if "nc" in spec.settings else ""
    if spec.family == STOCK and spec.path is not None:
        # Ultralytics looks for its own files by their names, with the scale in it.
        is_own = "ultralytics" in spec.path.parts
        name = f"{spec.path.stem}.yaml" if is_own else spec.reference
        changes = {"scale": spec.scale} if spec.scale else {}
        changes |= {key: value for key, value in spec.settings.items() if key != DYNAMIC_CONVOLUTIONS}
        entries = ", ".join(f"{key!r}: {value!r}" for key, value in changes.items())
        text = _ULTRALYTICS.format(yaml=name, network=type(built.module).__name__, changes=entries)
        if built.task in _TRAINERS and type(built.module).__name__ != "RTDETRDetectionModel":
            module, trainer = _TRAINERS[built.task]
            scaled = name.replace(".yaml", f"{spec.scale or ''}.yaml") if is_own else name
            text += _TRAINER.format(module=module, trainer=trainer, stem=stem, yaml=scaled)
        return text, " and Ultralytics"
    target = getattr(spec, "target", "")
    if spec.origin == "timm":
        return _FACTORY.format(package="timm", call=f"create_model({target!r}{classes}{arguments})"), " and timm"
    if spec.origin == "torchvision":
        call = f"models.get_model({target!r}{classes}{arguments})"
        return _FACTORY.format(package="torchvision", call=call), " and torchvision"
    return "", ""


def _source(table: str) -> str:
    """The code of the dynamic convolution, with a table behind its imports, and without archprof's own docstring."""
    text = (resources.files("archprof.builder") / "mixed_convolution.py").read_text(encoding="utf-8")
    statements = ast.parse(text).body
    imports = [statement for statement in statements if isinstance(statement, (ast.Import, ast.ImportFrom, ast.If))]
    lines = text.splitlines(keepends=True)
    begin, end = (statements[0].end_lineno or 1), (imports[-1].end_lineno or 1)
    return "".join([*lines[begin + 1 : end], "\n", table, *lines[end:]])
