"""Names that mean something elsewhere: on Hugging Face's hub, or among the files of Ultralytics that are no models."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archprof.errors import ArchprofError, UnknownReferenceError, nearest
from archprof.sources.files import SUFFIXES, package_folder
from archprof.sources.model_names import architecture, registered
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

_HUB = re.compile(r"hf[-_]hub:|(?:https?://)?(?:www\.)?huggingface\.co/", re.IGNORECASE)
_TIMM = re.compile(r"timm[/.]", re.IGNORECASE)

_DATASET = re.compile(
    r"(?:coco|voc|pascal-?voc|imagenet(?:te|woof)?|cifar-?|mnist|fashion-mnist|caltech|lvis|objects|widerface"
    r"|crowdhuman|bdd|dota|visdrone|kitti|cityscapes|ade)\d*k?(?:v\d.*)?(?:[-_](?:seg|pose|obb|cls|grayscale|mini|small"
    r"|tiny|\d+))*",
    re.IGNORECASE,
)
"""The names of well-known datasets, with the endings that theirs have."""

_DATA = frozenset({"data", "dataset", "datasets"})
"""What a dataset's YAML is called that has no name of its own."""


class Shipped(NamedTuple):
    """A YAML of Ultralytics' that is no model: what it is, and its file."""

    kind: str
    path: Path


_FOLDERS = {"datasets": "a dataset", "trackers": "a tracker's settings", "": "the settings of Ultralytics"}
"""Folders of Ultralytics' ``cfg``, and what the YAMLs in each are."""


def on_hub(text: str) -> ArchprofError | None:
    """A name on Hugging Face's hub, as ``hf-hub:timm/resnet50.a1_in1k`` or ``timm/resnet50``."""
    is_address = _HUB.match(text) is not None
    name = architecture(text)
    if name in registered("timm.models") and (is_address or _TIMM.match(text)):
        hint = f"type timm:{name}, the same architecture; its weights change none of the figures"
    elif is_address:
        near = nearest(name, registered("timm.models"), 1)
        forms = "name the architecture: timm:NAME, torchvision:NAME or FILE.py:FACTORY"
        hint = f"did you mean timm:{near[0]}?" if near else forms
    else:
        return None
    return UnknownReferenceError(f"{text!r} is a name on Hugging Face's hub: nothing is downloaded", hint=hint)


_FRAMEWORKS = {
    **dict.fromkeys(("keras", "tf", "tensorflow"), "TensorFlow"),
    **dict.fromkeys(("jax", "flax", "haiku"), "JAX"),
    **dict.fromkeys(("paddle", "paddlepaddle", "mxnet", "mindspore", "caffe", "chainer"), "another framework"),
    **dict.fromkeys(("hf", "huggingface", "transformers", "torchhub", "hub", "torch.hub"), "a hub"),
}
"""What stands before the colon elsewhere, and whose models these are."""


_NEAR = 0.8
"""How alike a name and one of timm's are at least that mean one architecture: mobilenetv2 and mobilenetv2_140."""


def of_framework(prefix: str, name: str) -> str | None:
    """What to type instead of ``keras:ResNet50``; None where the prefix is no framework's or hub's.

    Args:
        prefix: What stands before the colon.
        name: What stands behind it.
    """
    framework = _FRAMEWORKS.get(prefix.lower())
    if framework is None:
        return None
    plain = name.rpartition("/")[2].lower()
    near = get_close_matches(plain, registered("timm.models"), 1, _NEAR)
    known = f"name the architecture in torch: timm:{near[0]}" if near else "name the architecture: timm:NAME"
    return f"models of {framework} are not read by name; {known}, or export the model to ONNX and name the file"


def on_other_framework(text: str) -> ArchprofError | None:
    """``huggingface:bert-base``, which reads as no function either."""
    prefix, colon, name = text.partition(":")
    hint = of_framework(prefix, name) if colon else None
    return UnknownReferenceError(f"model {text!r} not found", hint=hint) if hint else None


def no_model(text: str) -> ArchprofError | None:
    """The name of a dataset (``coco128.yaml``), or of another YAML of Ultralytics' that is no model."""
    name = Path(text).name
    stem = next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)
    shipped = _shipped().get(stem.lower())
    has_extension = stem != name
    is_dataset = _DATASET.fullmatch(stem) or (has_extension and stem.lower() in _DATA)
    kind = shipped.kind if shipped else _FOLDERS["datasets"] if is_dataset else None
    if kind is None or (shipped is not None and kind != _FOLDERS["datasets"] and not has_extension):
        return None
    message = f"{text!r} is the name of {kind}, not of a model"
    if kind != _FOLDERS["datasets"]:
        return UnknownReferenceError(message, hint="name a model: archprof summary yolo11n")
    classes = _classes(shipped.path) if shipped else None
    for_classes = f"for its {plural(classes, 'class', 'classes')}" if classes else "with N for its number of classes"
    hint = f"name the model that it trains; {for_classes} type: archprof summary yolo11n --nc {classes or 'N'}"
    return UnknownReferenceError(message, hint=hint)


@cache
def _shipped() -> Mapping[str, Shipped]:
    """The YAMLs of the installed Ultralytics that are no models, by name in lower case."""
    package = package_folder("ultralytics")
    if package is None:
        return {}
    return {
        file.stem.lower(): Shipped(kind, file)
        for folder, kind in _FOLDERS.items()
        for file in sorted((package / "cfg" / folder).glob("*.yaml"))
    }


def _classes(path: Path) -> int | None:
    """The number of classes of a dataset's YAML; None where that is not told."""
    from archprof.sources.document import Document  # and PyYAML, which a name that is understood does without

    try:
        document = Document.read(path)
        names = document.plain(document.mapping(document.root, "a dataset")["names"])
    except (ArchprofError, KeyError):
        return None
    return len(names) if isinstance(names, (list, dict)) else None
