"""Every model YAML of the installed Ultralytics builds to what Ultralytics itself builds of it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from archprof.builder.fuse import fuse
from archprof.builder.load import build
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.sources import yaml_file
from archprof.sources.origins.stock import stock
from archprof.sources.spec import STOCK
from archprof.trace.run import trace

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from archprof.sources.spec import VariantSpec

IMAGE = 128
"""The smallest side at which the deepest of them, of stride 64, still has something to look at."""

# What Ultralytics chooses by a file's task and name; the head tells as much.
CLASSES = {
    "Classify": "ClassificationModel",
    "Depth": "DepthModel",
    "Detect": "DetectionModel",
    "OBB": "OBBModel",
    "OBB26": "OBBModel",
    "Pose": "PoseModel",
    "Pose26": "PoseModel",
    "RTDETRDecoder": "RTDETRDetectionModel",
    "Segment": "SegmentationModel",
    "Segment26": "SegmentationModel",
    "SemanticSegment": "SemanticSegmentationModel",
    "WorldDetect": "WorldModel",
    "YOLOEDetect": "YOLOEModel",
    "YOLOESegment": "YOLOESegModel",
    "YOLOESegment26": "YOLOESegModel",
    "v10Detect": "DetectionModel",
}


@cache
def load(path: Path, scale: str | None = None) -> VariantSpec:
    return yaml_file.load(path, scale=scale, family=STOCK)


def scales(path: Path) -> list[str | None]:
    """A file's scales, the smallest first; None for a file without any."""
    found = load(path).scales
    return sorted(found, key=lambda name: (found[name].width, found[name].depth)) if found else [None]


@cache
def smallest() -> dict[Path, VariantSpec]:
    """Every file at its smallest scale."""
    return {path: load(path, scales(path)[0]) for path in stock().values()}


@cache
def covering() -> set[Path]:
    """Files that together name every block that any file names; small networks first."""
    blocks = {path: {row.module for row in spec.rows} for path, spec in smallest().items()}
    costs = {path: len(spec.rows) * spec.factors.width**2 for path, spec in smallest().items()}
    missing = set().union(*blocks.values())
    chosen = set()
    while missing:
        best = max(sorted(blocks), key=lambda path: len(blocks[path] & missing) / costs[path])
        chosen.add(best)
        missing -= blocks[best]
    return chosen


def heads() -> dict[str, VariantSpec]:
    """One small variant for each class of last row."""
    return {spec.rows[-1].module: spec for _, spec in sorted(smallest().items(), reverse=True)}


def cases() -> list[Any]:
    """Every file at every scale; those of the covering set at their smallest are for every run."""
    found = []
    for name, path in stock().items():
        for number, scale in enumerate(scales(path)):
            marks = [] if path in covering() and number == 0 else [pytest.mark.full]
            found.append(pytest.param(path, scale, id=f"{name}-{scale}", marks=marks))
    return found


class Uninitialised(TorchFunctionMode):
    """Leaves weights as zeros: drawing a hundred million random numbers is most of what a large model takes."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.init.kaiming_uniform_:
            return args[0].detach().zero_() if args else kwargs["tensor"].detach().zero_()
        return func(*args, **(kwargs or {}))


def ultralytics_builds(path: Path, scale: str | None) -> Any:
    """The model that Ultralytics' own constructor makes, in eval mode on the CPU."""
    import_ultralytics()
    from ultralytics.nn import tasks
    from ultralytics.utils import YAML

    parsed = YAML.load(path)
    for row in parsed["backbone"]:
        if row[2] == "TorchVision":
            row[3][2] = None  # it would download pretrained weights
    head = parsed["head"][-1][2]
    with Uninitialised():
        return getattr(tasks, CLASSES[head])({**parsed, "scale": scale}, ch=3, verbose=False).eval()


def counts(model: nn.Module) -> dict[str, Any]:
    parameters = list(model.parameters())
    return {
        "class": type(model).__name__,
        "modules": len(list(model.modules())),
        "leaves": sum(not list(module.children()) for module in model.modules()),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "tensors": {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        "outline": str(model),
    }


def trainable(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def outputs(model: nn.Module, device: str = "cpu") -> list[tuple[int, ...]]:
    """The shapes of everything that comes out of a model that is called as anybody would call it."""
    with torch.no_grad():
        result = model(torch.zeros(1, 3, IMAGE, IMAGE, device=device))
    return [tuple(leaf.shape) for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]


def traced_outputs(model: nn.Module) -> list[tuple[int, ...]]:
    """The same of a traced pass, in a tenth of the time that calling a model on meta takes."""
    seen = trace(model, (torch.zeros(1, 3, IMAGE, IMAGE, device="meta"),))
    return [output.shape for output in seen.calls[0].outputs]


def rows(model: Any) -> list[Any]:
    return [(module.i, module.f, module.type, module.np) for module in model.model]


@pytest.mark.parametrize(("path", "scale"), cases())
def test_same_as_ultralytics(path: Path, scale: str | None) -> None:
    theirs = ultralytics_builds(path, scale)
    built = build(load(path, scale))
    ours: Any = built.module

    assert counts(ours) == counts(theirs)
    assert trainable(ours) == trainable(theirs)
    assert rows(ours) == rows(theirs)
    assert [layer.path for layer in built.layers] == [f"model.{index}" for index in range(len(theirs.model))]
    if built.strides:
        assert list(built.strides) == theirs.stride.tolist()
    else:
        assert theirs.stride.tolist() == [1]  # "no stride constraints", in Ultralytics' own words
    assert traced_outputs(ours) == outputs(theirs)

    theirs.fuse(verbose=False)
    assert counts(fuse(built).module) == counts(theirs)


@pytest.mark.parametrize("head", sorted(heads()))
def test_task_and_plain_call_without_memory(head: str) -> None:
    import_ultralytics()
    from ultralytics.nn.tasks import guess_model_task
    from ultralytics.utils import YAML

    built = build(heads()[head])
    # Ultralytics has a class of its own where it would ask for RT-DETR's task.
    assert built.task == ("detect" if head == "RTDETRDecoder" else guess_model_task(YAML.load(heads()[head].path)))
    assert outputs(built.module, "meta") == traced_outputs(built.module)


def test_a_real_model_starts_as_ultralytics_starts_one() -> None:
    theirs = ultralytics_builds(stock()["yolo11"], "n").model
    ours: Any = build(load(stock()["yolo11"], "n"), device="cpu").module.model
    # The biases of the head's last convolutions depend on the strides, so they tell that those were there in time.
    for mine, its in zip((*ours[-1].cv2, *ours[-1].cv3), (*theirs[-1].cv2, *theirs[-1].cv3), strict=True):
        assert torch.equal(mine[-1].bias, its[-1].bias)
    norms = [module for module in ours.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.03)}


def test_importing_it_leaves_the_environment_alone() -> None:
    code = (
        "import os; before = dict(os.environ)\n"
        "from archprof.builder.ultralytics_import import import_ultralytics\n"
        "import_ultralytics()\n"
        "assert os.environ.get('OMP_NUM_THREADS') == before.get('OMP_NUM_THREADS')\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}

    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
