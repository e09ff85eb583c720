"""A fused model computes what the unfused one does, with less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from archprof.builder.built import Built
from archprof.builder.fuse import fuse
from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.errors import BuildError
from archprof.sources.origins.python import PythonSpec
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.sources.spec import VariantSpec

MIXED_IN_A_SUM = {"yolov10n": "model.22.m.0.cv1.2.conv.conv", "yolov9t": "model.15.cv2.0.m.0.cv1.conv1.conv"}
"""Convolutions of blocks that add their kernels to others when they are fused: RepVGGDW and RepConv."""

SPEC = PythonSpec(name="mine", reference="mine.py:mine", target="mine.py:mine")


def unsettle(model: nn.Module) -> nn.Module:
    """Statistics and affine parameters as after a training, so that folding has something to get wrong."""
    generator = torch.Generator().manual_seed(0)

    def drawn(tensor: torch.Tensor, middle: float) -> torch.Tensor:
        return middle + 0.2 * torch.rand(tensor.shape, generator=generator)

    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, _BatchNorm):
                norm.running_mean.copy_(drawn(norm.running_mean, 0.0))
                norm.running_var.copy_(drawn(norm.running_var, 1.0))
                norm.weight.copy_(drawn(norm.weight, 0.9))
                norm.bias.copy_(drawn(norm.bias, 0.0))
    return model.eval()


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, _BatchNorm) for module in model.modules())


def fused(model: nn.Module, size: tuple[int, ...] = (32, 32)) -> nn.Module:
    """Fuse a model in place and hold what it gives to what it gave, in numbers fine enough to tell."""
    built = Built(unsettle(model).double(), SPEC, size=size)
    image = make_inputs(built, dtype="float64", device="cpu")
    with torch.no_grad():
        before = model(*image)
        result = fuse(built)
        after = model(*image)
    torch.testing.assert_close(after, before)
    assert result.fused
    assert not any(parameter.requires_grad for parameter in model.parameters())
    return result.module


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("timm:resnet18", 0),
        ("timm:efficientnet_b0", 0),  # its norms apply the activation too
        ("timm:repvgg_a0", 0),  # branches that train become one convolution
        # A pre-activation network: of its 17 norms only the second of each of the 8 blocks follows a convolution.
        ("timm:resnetv2_18", 9),
        ("torchvision:mobilenet_v2", 0),
    ],
)
def test_models_of_others(name: str, left: int) -> None:
    model = build(resolve(name), device="cpu").module
    assert norms(fused(model, (64, 64))) == left


@pytest.mark.parametrize("name", ["timm:efficientnet_b0", "timm:repvgg_a0"])
def test_the_same_without_memory(name: str) -> None:
    meta, real = (build(resolve(name), device=device, fuse=True).module for device in ("meta", "cpu"))
    assert str(meta) == str(real)
    assert all(parameter.is_meta for parameter in meta.parameters())
    shapes = [{key: tensor.shape for key, tensor in model.state_dict().items()} for model in (meta, real)]
    assert shapes[0] == shapes[1]


class Shared(nn.Module):
    """A convolution whose result is read twice, so that its norm may not be folded into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        return self.norm(y) + y


class Twice(nn.Module):
    """A convolution that runs twice, before two norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.first, self.second = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.conv(self.first(self.conv(x))))


class Changed(nn.Module):
    """A result that is changed in place between a convolution and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x).relu_())


class Given(nn.Module):
    """A result that goes out as well as into its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.conv(x)
        return self.norm(y), y


class Late(nn.Module):
    """Registered in another order than it runs in."""

    def __init__(self) -> None:
        super().__init__()
        self.after, self.other, self.conv = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.Conv2d(3, 4, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.other(self.after(self.conv(x)))


@pytest.mark.parametrize(("model", "left"), [(Shared, 1), (Twice, 2), (Changed, 1), (Given, 1), (Late, 0)])
def test_only_what_a_convolution_alone_feeds(model: type[nn.Module], left: int) -> None:
    assert norms(fused(model())) == left


def test_what_is_not_a_plain_convolution_is_left() -> None:
    assert norms(fused(nn.Sequential(nn.ConvTranspose2d(3, 4, 2, 2), nn.BatchNorm2d(4)))) == 1


def test_ultralytics_own_networks_are_folded_as_ultralytics_does() -> None:
    # YOLOv13's DSConv has a norm of its own, of which Ultralytics' fuse knows nothing: the figures published for
    # the fused pose network, 554 modules and 2,821,743 parameters, have them all.
    spec = resolve("yolov13-pose", scale="n").with_values({"nc": 1, "kpt_shape": [21, 3]})
    module = build(spec, fuse=True).module
    assert len(list(module.modules())) == 554
    assert sum(parameter.numel() for parameter in module.parameters()) == 2_821_743
    assert norms(module) > 0


def test_a_network_of_rows_without_a_head_of_ultralytics(variant: Callable[..., VariantSpec]) -> None:
    spec = variant("[-1, 1, Conv, [16]]", "[-1, 1, nn.Conv2d, [16, 16, 3]]", "[-1, 1, nn.BatchNorm2d, []]")
    assert norms(fused(build(spec, device="cpu").module)) == 0


@pytest.mark.parametrize("name", MIXED_IN_A_SUM)
def test_kernels_that_cannot_be_added_are_one_message(name: str) -> None:
    spec = resolve(name).with_values({"dynamic_convolutions": {MIXED_IN_A_SUM[name]: 4}})
    with pytest.raises(BuildError, match=f"^{name} cannot be fused: ") as caught:
        build(spec, device="meta", fuse=True)
    assert caught.value.hint == "leave out --fuse"
