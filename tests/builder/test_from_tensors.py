"""Networks that were pruned for real, run for real, beside the built network with the widths of their tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archprof.builder.from_tensors import resize
from archprof.builder.load import build
from archprof.count.ledger import count
from archprof.errors import BuildError
from archprof.sources.checkpoint.reader import read
from archprof.sources.checkpoint.variant import variant
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIDE = 64


def cut(convolution: Any, outputs: int | None = None, inputs: int | None = None) -> None:
    """Keep the first channels of a convolution of Ultralytics', or of a plain one."""
    conv = getattr(convolution, "conv", convolution)
    depthwise = conv.groups > 1
    conv.weight = nn.Parameter(conv.weight[:outputs, : None if depthwise else inputs].detach().clone())
    if conv.bias is not None:
        conv.bias = nn.Parameter(conv.bias[:outputs].detach().clone())
    conv.out_channels = conv.weight.shape[0]
    conv.groups = conv.out_channels if depthwise else 1
    conv.in_channels = conv.weight.shape[1] * conv.groups
    if outputs is not None and (norm := getattr(convolution, "bn", None)) is not None:
        for name in ("weight", "bias"):
            setattr(norm, name, nn.Parameter(getattr(norm, name)[:outputs].detach().clone()))
        for name in ("running_mean", "running_var"):
            setattr(norm, name, getattr(norm, name)[:outputs].clone())
        norm.num_features = outputs


def prune_bottlenecks(model: nn.Module) -> None:
    """Three quarters of the channels between the two convolutions of each bottleneck."""
    from ultralytics.nn.modules.block import Bottleneck

    for module in model.modules():
        if isinstance(module, Bottleneck):
            channels = module.cv1.conv.out_channels * 3 // 4
            cut(module.cv1, outputs=channels)
            cut(module.cv2, inputs=channels)


def prune_depthwise(model: Any) -> None:
    """Half of the channels of the head's class branches, through their depthwise convolutions."""
    for (_, first), (depthwise, second), last in model.model[-1].cv3:
        channels = first.conv.out_channels // 2
        cut(first, outputs=channels)
        cut(depthwise, outputs=channels)
        cut(second, outputs=channels, inputs=channels)
        cut(last, inputs=channels)


def flops_of(model: nn.Module) -> int:
    """FLOPs of the convolutions and products of a real pass, by torch's own counter."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.zeros(1, 3, SIDE, SIDE))
    return int(counter.get_total_flops())


def yolo() -> Any:
    from ultralytics import YOLO

    return YOLO("yolo11n.yaml").model


@pytest.mark.parametrize("prune", [prune_bottlenecks, prune_depthwise])
@pytest.mark.parametrize("told", [True, False], ids=["attributes", "tensors alone"])
def test_a_pruned_network_counts_as_it_runs(tmp_path: Path, prune: Callable[[Any], None], told: bool) -> None:
    model = yolo()
    whole = flops_of(model)
    prune(model)
    torch.save({"model": model}, tmp_path / "pruned.pt")
    checkpoint = read(tmp_path / "pruned.pt")

    built = build(variant(checkpoint if told else msgspec.structs.replace(checkpoint, modules={})))

    ledger = count(trace(built.module, (torch.zeros(1, 3, SIDE, SIDE, device="meta"),)))
    assert 2 * ledger.macs == flops_of(model) < whole
    leaves = {path: module for path, module in model.named_modules() if isinstance(module, (nn.Conv2d, nn.BatchNorm2d))}
    assert {path: repr(built.module.get_submodule(path)) for path in leaves} == {
        path: repr(module) for path, module in leaves.items()
    }
    parameters = sum(parameter.numel() for parameter in built.module.parameters())
    assert parameters == sum(parameter.numel() for parameter in model.parameters())
    assert built.remarks[-1] == "figures are those of the file's tensors"


def test_a_pruned_network_runs_with_values(tmp_path: Path) -> None:
    model = yolo()
    prune_bottlenecks(model)
    torch.save({"model": model}, tmp_path / "pruned.pt")

    built = build(variant(read(tmp_path / "pruned.pt")), device="cpu")

    values: Any = built.module(torch.zeros(1, 3, SIDE, SIDE))
    assert torch.isfinite(values[0]).all()


def test_a_block_that_splits_its_channels_needs_their_number() -> None:
    from ultralytics.nn.modules.block import C2PSA

    block: Any = C2PSA(256, 256, n=0)
    block.c = 96
    cut(block.cv1, outputs=192)
    cut(block.cv2, inputs=192)
    shapes = {name: tuple(tensor.shape) for name, tensor in block.state_dict().items()}
    with torch.device("meta"):
        built, told = C2PSA(256, 256, n=0).eval(), C2PSA(256, 256, n=0).eval()

    resize(built, shapes)
    resize(told, shapes, {"": {"c": 96, "training": True, "nothing": 5}})

    image = torch.zeros(1, 256, 8, 8, device="meta")
    with pytest.raises(RuntimeError, match="split"):
        built(image)
    assert told(image).shape == (1, 256, 8, 8)
    assert (told.c, told.training, hasattr(told, "nothing")) == (96, False, False)


# Each kind, and the same of another width: what torch's own constructor makes of that width is what is to come out.
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: nn.Conv1d(6, 8, 3), lambda: nn.Conv1d(4, 2, 3)),
        (lambda: nn.Conv2d(6, 8, 3, groups=2), lambda: nn.Conv2d(4, 2, 3, groups=2)),
        (lambda: nn.Conv2d(6, 6, 3, groups=6), lambda: nn.Conv2d(5, 5, 3, groups=5)),
        (lambda: nn.Conv2d(6, 12, 3, groups=6), lambda: nn.Conv2d(5, 10, 3, groups=5)),
        (lambda: nn.Conv3d(6, 8, 3, bias=False), lambda: nn.Conv3d(4, 2, 3, bias=False)),
        (lambda: nn.ConvTranspose2d(6, 8, 2), lambda: nn.ConvTranspose2d(4, 2, 2)),
        (lambda: nn.ConvTranspose2d(6, 8, 2, groups=2), lambda: nn.ConvTranspose2d(4, 2, 2, groups=2)),
        (lambda: nn.ConvTranspose2d(6, 6, 2, groups=6), lambda: nn.ConvTranspose2d(4, 4, 2, groups=4)),
        (lambda: nn.Linear(6, 8), lambda: nn.Linear(4, 2)),
        (lambda: nn.BatchNorm2d(6), lambda: nn.BatchNorm2d(4)),
        (lambda: nn.BatchNorm1d(6, affine=False), lambda: nn.BatchNorm1d(4, affine=False)),
        (lambda: nn.InstanceNorm2d(6, affine=True), lambda: nn.InstanceNorm2d(4, affine=True)),
        (lambda: nn.GroupNorm(2, 6), lambda: nn.GroupNorm(2, 4)),
        (lambda: nn.LayerNorm(6), lambda: nn.LayerNorm(4)),
        (lambda: nn.RMSNorm(6), lambda: nn.RMSNorm(4)),
        (lambda: nn.Embedding(10, 6), lambda: nn.Embedding(8, 4)),
        (lambda: nn.PReLU(6), lambda: nn.PReLU(4)),
    ],
)
def test_every_kind_of_module(old: Callable[[], nn.Module], new: Callable[[], nn.Module]) -> None:
    with torch.device("meta"):
        module, expected = old(), new()

    changed = resize(module, {name: tuple(tensor.shape) for name, tensor in expected.state_dict().items()})

    assert changed == ("",)
    assert repr(module) == repr(expected)
    assert {name: tensor.shape for name, tensor in module.state_dict().items()} == {
        name: tensor.shape for name, tensor in expected.state_dict().items()
    }
    assert all(isinstance(parameter, nn.Parameter) for parameter in module.parameters())


def test_equal_shapes_change_nothing() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = dict(model.named_parameters())

    assert resize(model, {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}) == ()
    assert all(before[name] is parameter for name, parameter in model.named_parameters())


def test_what_was_not_trained_stays_so() -> None:
    with torch.device("meta"):
        model = nn.Linear(3, 4).half()
    model.weight.requires_grad = False

    resize(model, {"weight": (2, 3), "bias": (2,)})

    assert (model.weight.requires_grad, model.bias.requires_grad) == (False, True)
    assert model.weight.dtype == torch.float16


@pytest.mark.parametrize(
    ("make", "shapes", "message"),
    [
        (lambda: nn.Linear(3, 4), {"weight": (4, 3)}, "'bias' is not in the file"),
        (lambda: nn.Linear(3, 4, bias=False), {"weight": (4, 3), "bias": (4,)}, "'bias' is new"),
        (lambda: nn.Linear(3, 4, bias=False), {"weight": (4, 3, 1)}, "3 axes in the file, and 2 in the network"),
        (lambda: nn.Conv2d(3, 4, 3, bias=False), {"weight": (4, 3, 5, 5)}, "kernel is 5×5 in the file, and 3×3"),
        (lambda: nn.Conv2d(4, 4, 1, groups=2, bias=False), {"weight": (3, 2, 1, 1)}, "3 channels cannot be divided"),
        (lambda: nn.GroupNorm(2, 4), {"weight": (3,), "bias": (3,)}, "3 channels cannot be divided into 2 groups"),
        (
            lambda: nn.BatchNorm1d(4, track_running_stats=False),
            {"weight": (3,), "bias": (2,)},
            "different lengths, [2, 3]",
        ),
        (lambda: nn.GRU(3, 4, bias=False), {"weight_ih_l0": (9, 3), "weight_hh_l0": (9, 3)}, "a GRU of another width"),
    ],
)
def test_what_is_more_than_another_width_is_refused(
    make: Callable[[], nn.Module], shapes: dict[str, tuple[int, ...]], message: str
) -> None:
    with torch.device("meta"):
        module = nn.ModuleDict({"layer": make()})

    with pytest.raises(BuildError) as caught:
        resize(module, {f"layer.{name}": shape for name, shape in shapes.items()})

    assert message in caught.value.message.replace("layer.", "")
