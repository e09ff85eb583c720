"""The `torchvision` convention gives the figures that torchvision publishes in the meta data of its weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision.models as zoo
from torch import nn

from archprof.builder.load import build
from archprof.count.conventions import report
from archprof.count.conventions.subject import Subject
from archprof.count.ledger import Ledger, count
from archprof.records.conventions import find_convention
from archprof.sources.reference import resolve
from archprof.trace.run import trace, trace_values


def published(name: str) -> float:
    """The figure of the weights that torchvision recommends, in thousandths of a billion."""
    figure: float = zoo.get_model_weights(name).DEFAULT.meta["_ops"]
    return figure


def figure(model: nn.Module, inputs: tuple[Any, ...], ledger: Ledger) -> float:
    answer = report(find_convention("torchvision"), Subject(model, inputs, ledger))
    return round(answer.gflops, 3)


def without_memory(name: str, *shapes: tuple[int, ...], **arguments: Any) -> float:
    if arguments:
        model = zoo.get_model(name, weights=None, **arguments).eval()
    else:
        model = build(resolve(f"torchvision:{name}")).module
    inputs = tuple(torch.empty(shape, device="meta") for shape in shapes)
    return figure(model, inputs, count(trace(model, inputs)))


IN_CI = {
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "inception_v3",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnet50",
    "shufflenet_v2_x1_0",
    "swin_t",
    "swin_v2_t",
    "vit_b_16",
}


def marked(names: list[str], in_ci: set[str]) -> list[Any]:
    return [name if name in in_ci else pytest.param(name, marks=pytest.mark.full) for name in names]


CLASSIFIERS = [name for name in zoo.list_models(module=zoo) if "SWAG" not in zoo.get_model_weights(name).DEFAULT.name]


@pytest.mark.parametrize("name", marked(CLASSIFIERS, IN_CI))
def test_classifiers(name: str) -> None:
    side = zoo.get_model_weights(name).DEFAULT.transforms.keywords["crop_size"]
    assert without_memory(name, (1, 3, side, side)) == published(name)


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        (name, weights.name)
        for name in ("regnet_y_16gf", "vit_b_16", "vit_l_16")
        for weights in zoo.get_model_weights(name)
        if "SWAG" in weights.name
    ],
)
def test_classifiers_at_other_sizes(name: str, weights: str) -> None:
    found = zoo.get_model_weights(name)[weights]
    side = found.transforms.keywords["crop_size"]
    arguments = {"image_size": side} if name.startswith("vit") else {}
    assert without_memory(name, (1, 3, side, side), **arguments) == found.meta["_ops"]


@pytest.mark.parametrize("name", marked(zoo.list_models(module=zoo.segmentation), {"lraspp_mobilenet_v3_large"}))
def test_segmentation(name: str) -> None:
    # The weights bring the auxiliary head, where the model has one.
    extra = {} if name.startswith("lraspp") else {"weights_backbone": None, "aux_loss": True}
    assert without_memory(name, (1, 3, 520, 520), **extra) == published(name)


@pytest.mark.parametrize("name", marked(zoo.list_models(module=zoo.video), {"r3d_18", "swin3d_t"}))
def test_video(name: str) -> None:
    size = zoo.get_model_weights(name).DEFAULT.transforms.keywords["crop_size"]
    assert without_memory(name, (1, 3, 16, *size)) == published(name)


@pytest.mark.parametrize("name", marked(zoo.list_models(module=zoo.optical_flow), {"raft_small"}))
def test_optical_flow(name: str) -> None:
    image = (1, 3, 512, 512)
    assert without_memory(name, image, image, progress=False) == published(name)


def detected(name: str, **arguments: Any) -> float:
    model = zoo.get_model(name, weights=None, weights_backbone=None, **arguments).eval()
    inputs = ([torch.rand(3, 512, 512, generator=torch.Generator().manual_seed(0))],)
    with torch.no_grad():
        return figure(model, inputs, count(trace_values(model, inputs)))


ONE_STAGE = ["fcos_resnet50_fpn", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "ssd300_vgg16"]


@pytest.mark.parametrize(
    "name", marked(["ssdlite320_mobilenet_v3_large", *ONE_STAGE], {"ssdlite320_mobilenet_v3_large"})
)
def test_detectors_of_one_stage(name: str) -> None:
    assert detected(name) == published(name)


def test_detectors_of_two_stages_are_published_without_their_second() -> None:
    # torchvision's counter was run on noise, in which trained weights propose nothing.
    name = "fasterrcnn_mobilenet_v3_large_320_fpn"
    assert detected(name, rpn_score_thresh=1.1) == published(name)
    # Each proposal is 7 × 7 × 256 features through two layers of 1024, to 91 classes and their boxes.
    proposal = 7 * 7 * 256 * 1024 + 1024 * 1024 + 1024 * (91 + 4 * 91)
    added = detected(name, rpn_post_nms_top_n_test=10) - published(name)
    assert added == pytest.approx(10 * proposal / 1e9, abs=0.0011)


def test_what_its_counter_does_not_know() -> None:
    class Added(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.baddbmm(x, x, x)

    # Three matrices of 4 × 4 by 4 × 4: counted exactly, and by torchvision as nothing.
    image = torch.empty(3, 4, 4, device="meta")
    ledger = count(trace(Added(), (image,)))
    answer = report(find_convention("torchvision"), Subject(Added(), (image,), ledger))
    assert (ledger.macs, answer.operations) == (3 * 4 * 4 * 4, 0)
    assert [(one.operation, one.flops) for one in answer.missed] == [("aten.baddbmm", 2 * 3 * 64)]
