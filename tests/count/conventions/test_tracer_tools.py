"""The `fvcore` and `torchprofile` conventions say what those tools say, run for real, to the operation."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch.utils.checkpoint import checkpoint

from archprof.builder.load import build
from archprof.count.conventions import report
from archprof.count.conventions.subject import Subject, ToolStopsError
from archprof.count.ledger import count
from archprof.errors import RunError
from archprof.records.conventions import find_convention
from archprof.sources.families import variants
from archprof.sources.reference import resolve
from archprof.trace.run import trace

from ..function import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.profile import Reported

TOOLS = ("fvcore", "torchprofile")


def said(tool: str, model: nn.Module, inputs: tuple[Any, ...]) -> int:
    """What the tool itself says, called as its documentation has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch deprecates, and of every function that they do not know
        if tool == "torchprofile":
            from torchprofile import profile_macs

            return int(profile_macs(model, inputs))
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(model, inputs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(analysis.total())


def replayed(tool: str, model: nn.Module, inputs: tuple[Any, ...]) -> Reported:
    return report(find_convention(tool), Subject(model, inputs, count(trace(model, inputs))))


# Reference -> side of the image: the smallest that the model takes where that does not change what runs.
IN_CI = {
    "torchvision:resnet18": 64,
    "torchvision:mobilenet_v3_small": 64,
    "torchvision:vit_b_32": 224,  # nn.MultiheadAttention
    "timm:swin_tiny_patch4_window7_224": 224,
    "timm:convnext_atto": 64,
    "yolo11n": 64,
    "yolov13-DynamicConv": 64,
}
FULL = {
    "timm:vit_tiny_patch16_224": 224,
    **dict.fromkeys(("rtdetr-l", "yolov8n-seg", "yolov8n-pose", "yolo12n", "yolo26n", "yolov9t", "yolov10n"), 64),
    **dict.fromkeys((name for family, name, _ in variants() if family.name != "llama"), 64),
    **dict.fromkeys(("torchvision:swin_v2_t", "torchvision:maxvit_t", "torchvision:convnext_tiny"), 224),
    "torchvision:efficientnet_b0": 64,
    "torchvision:googlenet": 64,
    "torchvision:regnet_y_400mf": 64,
    "timm:beit_base_patch16_224": 224,
    "timm:cait_xxs24_224": 224,
    "timm:coatnet_0_rw_224": 224,
    "timm:convnextv2_atto": 64,
    "timm:crossvit_tiny_240": 240,
    "timm:davit_tiny": 64,
    "timm:densenet121": 64,
    "timm:dla34": 64,
    "timm:edgenext_xx_small": 64,
    "timm:efficientformerv2_s0": 224,
    "timm:efficientnet_b0": 64,
    "timm:eva02_tiny_patch14_224": 224,
    "timm:fastvit_t8": 64,
    "timm:ghostnet_100": 64,
    "timm:halonet26t": 256,
    "timm:hiera_tiny_224": 224,
    "timm:hrnet_w18_small": 64,
    "timm:levit_128s": 224,
    "timm:mixer_s32_224": 224,
    "timm:mobilevit_xxs": 64,
    "timm:nfnet_l0": 64,
    "timm:poolformer_s12": 64,
    "timm:pvt_v2_b0": 64,
    "timm:repvit_m0_9": 64,
    "timm:swinv2_tiny_window8_256": 256,
    "timm:tiny_vit_5m_224": 224,
    "timm:twins_pcpvt_small": 64,
    "timm:vit_base_patch16_siglip_224": 224,
    "timm:xcit_nano_12_p16_224": 64,
}
MODELS = [
    *IN_CI.items(),
    *(pytest.param(*item, marks=pytest.mark.full) for item in FULL.items() if item[0] not in IN_CI),
]


@pytest.mark.parametrize(("reference", "side"), MODELS)
def test_agrees_with_the_tool_on_whole_models(reference: str, side: int) -> None:
    model = build(resolve(reference), device="cpu").module
    inputs = (torch.zeros(1, 3, side, side),)
    for tool in TOOLS:
        # Each tool gets a model that never ran: a head that has its anchors already takes fewer products.
        assert said(tool, copy.deepcopy(model), inputs) == replayed(tool, model, inputs).operations, tool


def matmul(*shapes: tuple[int, ...]) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return Function(torch.matmul), tuple(torch.zeros(shape) for shape in shapes)


def einsum(equation: str, *shapes: tuple[int, ...]) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return Function(lambda *inputs: torch.einsum(equation, *inputs)), tuple(torch.zeros(shape) for shape in shapes)


def on(model: nn.Module | Callable[..., Any], *shapes: tuple[int, ...]) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    module = model.eval() if isinstance(model, nn.Module) else Function(model)
    return module, tuple(torch.zeros(shape) for shape in shapes)


class CalledThrice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = checkpoint(self.linear, self.linear.forward(self.linear(x)), use_reentrant=False)
        return result


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x @ x


IMAGE = (2, 4, 6, 6)

PROBES = {
    "linear of a vector": on(nn.Linear(5, 3), (5,)),
    "linear of a matrix": on(nn.Linear(5, 3), (2, 5)),
    "linear without bias": on(nn.Linear(5, 3, bias=False), (2, 3, 4, 5)),
    "bilinear": on(nn.Bilinear(3, 4, 5), (2, 3), (2, 4)),
    "vector by matrix": matmul((5,), (5, 3)),
    "vector by matrices": matmul((5,), (2, 5, 3)),
    "matmul, right broadcast": matmul((2, 7, 3, 5), (5, 4)),
    "matmul, left broadcast": matmul((3, 5), (7, 5, 4)),
    "matmul, both broadcast": matmul((7, 1, 3, 5), (2, 5, 4)),
    "mm": on(torch.mm, (3, 5), (5, 4)),
    "bmm": on(torch.bmm, (2, 3, 5), (2, 5, 4)),
    "mv": on(torch.mv, (3, 5), (5,)),
    "addmm": on(torch.addmm, (3, 4), (3, 5), (5, 4)),
    "addmv": on(torch.addmv, (3,), (3, 5), (5,)),
    "baddbmm": on(torch.baddbmm, (2, 3, 4), (2, 3, 5), (2, 5, 4)),
    "tensordot": on(lambda a, b: torch.tensordot(a, b, 1), (3, 5), (5, 4)),
    "cdist": on(torch.cdist, (3, 4), (5, 4)),
    "einsum that fvcore knows": einsum("xyz,xyw->xzw", (2, 3, 5), (2, 3, 7)),
    "einsum that fvcore knows too": einsum("abc, adc -> adb", (2, 3, 5), (2, 7, 5)),
    "einsum of four indices": einsum("bhqd,bhkd->bhqk", (2, 3, 57, 13), (2, 3, 57, 13)),
    "einsum of three operands": einsum("ab,bc,cd->ad", (3, 50), (50, 7), (7, 11)),
    "einsum, outer product": einsum("i,j->ij", (3,), (5,)),
    "einsum, ellipsis": einsum("...ij,...jk->...ik", (2, 3, 5), (2, 5, 4)),
    "einsum, one operand": einsum("ii->i", (3, 3)),
    "einsum, no output given": einsum("ij,jk", (2, 3), (3, 4)),
    "attention": on(F.scaled_dot_product_attention, (2, 3, 7, 4), (2, 3, 9, 4), (2, 3, 9, 6)),
    "attention module": on(nn.MultiheadAttention(8, 2, batch_first=True), *3 * ((3, 6, 8),)),
    "encoder layer": on(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (3, 6, 8)),
    "conv 1d, grouped": on(nn.Conv1d(4, 6, 3, groups=2), (2, 4, 9)),
    "conv 3d": on(nn.Conv3d(4, 6, 3), (2, 4, 9, 9, 9)),
    "conv without batch": on(nn.Conv2d(4, 6, 3), (4, 9, 9)),
    "conv, same size": on(nn.Conv2d(4, 6, 3, padding="same"), (2, 4, 9, 9)),
    "conv, reflected": on(nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (2, 4, 9, 9)),
    "conv as a function": on(F.conv2d, (2, 4, 9, 9), (6, 4, 3, 3)),
    "transposed": on(nn.ConvTranspose2d(4, 6, 3, stride=2), IMAGE),
    "transposed, square": on(nn.ConvTranspose2d(4, 4, 3, stride=2), IMAGE),
    "transposed, grouped": on(nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), IMAGE),
    "batch norm": on(nn.BatchNorm2d(4), IMAGE),
    "batch norm, training": (nn.BatchNorm2d(4), (torch.zeros(IMAGE),)),
    "batch norm, plain": on(nn.BatchNorm2d(4, affine=False), IMAGE),
    "instance norm": on(nn.InstanceNorm2d(4, affine=True), IMAGE),
    "instance norm, plain": on(nn.InstanceNorm2d(4), IMAGE),
    "group norm": on(nn.GroupNorm(2, 4), IMAGE),
    "group norm, plain": on(nn.GroupNorm(2, 4, affine=False), IMAGE),
    "layer norm": on(nn.LayerNorm(5), (2, 4, 5)),
    "layer norm, plain": on(nn.LayerNorm(5, elementwise_affine=False), (2, 4, 5)),
    "rms norm": on(nn.RMSNorm(5), (2, 4, 5)),
    "global pooling": on(nn.AdaptiveAvgPool2d(1), IMAGE),
    "global pooling as a mean": on(lambda x: x.mean((2, 3)), IMAGE),
    "adaptive pooling": on(nn.AdaptiveAvgPool2d(2), IMAGE),
    "pooling": on(nn.AvgPool2d(2), IMAGE),
    "upsampling, nearest": on(nn.Upsample(scale_factor=2), IMAGE),
    "upsampling, bilinear": on(nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "upsampling, bicubic": on(nn.Upsample(scale_factor=2, mode="bicubic"), IMAGE),
    # While it traces, torch works out the size by multiplying tensors.
    "upsampling, size worked out": on(lambda x: F.interpolate(x, scale_factor=1.5, recompute_scale_factor=True), IMAGE),
    **{
        f"grid sample, {mode}": on(
            lambda x, grid, mode=mode: F.grid_sample(x, grid, mode=mode, align_corners=False), IMAGE, (2, 3, 3, 2)
        )
        for mode in ("bilinear", "nearest", "bicubic")
    },
    "leaky relu": on(nn.LeakyReLU(), (2, 4)),
    "prelu": on(nn.PReLU(), (2, 4)),
    "products": on(lambda x: (x * x * 2 + 1).mul_(3), (2, 4)),
    "products by another name": on(lambda x: torch.multiply(x, x), (2, 4)),
    "products of sizes": on(lambda x: x.reshape(x.shape[0] * x.shape[1], -1), (2, 4, 3)),
    "branch on sizes": on(lambda x: x @ x.t() if x.shape[0] * 2 > 4 else x, (3, 4)),
    "result that nobody uses": on(lambda x: (x @ x, x + 1)[1], (4, 4)),
    "result in place": on(lambda x: [(x + 0).mul_(2), x + 1][1], (4, 4)),
    "several results": on(lambda x: {"a": x @ x, "b": [x * x]}, (3, 3)),
    "list of inputs": (Function(lambda several: several[0] @ several[1]), ([torch.zeros(3, 4), torch.zeros(4, 3)],)),
    "module called in three ways": on(CalledThrice(), (3, 4)),
    "weight norm": on(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), (3, 4)),
    "function of one's own": on(Own.apply, (4, 4)),
    "lstm": on(nn.LSTM(5, 7, num_layers=2, bidirectional=True), (3, 2, 5)),
    "lstm, batch first": on(nn.LSTM(5, 7, batch_first=True), (3, 2, 5)),
    "gru": on(nn.GRU(5, 7), (3, 2, 5)),
    "rnn": on(nn.RNN(5, 7), (3, 2, 5)),
    "lstm cell": on(nn.LSTMCell(5, 7), (3, 5)),
    "gru cell": on(nn.GRUCell(5, 7), (3, 5)),
    "fft": on(lambda x: torch.fft.rfft2(x).real, (2, 4, 4)),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", PROBES)
def test_agrees_with_the_tool_on_one_function(name: str, tool: str) -> None:
    model, inputs = PROBES[name]
    assert replayed(tool, model, inputs).operations == said(tool, model, inputs)


def test_the_parts_add_up_and_say_what_is_missed() -> None:
    model = build(resolve("timm:vit_tiny_patch16_224")).module
    image = torch.empty(1, 3, 224, 224, device="meta")
    ledger = count(trace(model, (image,)))
    answer = report(find_convention("fvcore"), Subject(model, (image,), ledger))
    assert sum(share.amount for share in answer.shares) == answer.operations
    assert sum(share.macs for share in answer.shares) == ledger.macs
    # Attention: 12 blocks of 3 heads, 197 tokens, 64 wide: query by key and weights by value; 2 FLOPs each product.
    flops = 12 * 2 * (3 * 197 * 197 * 64) * 2
    assert [(one.operation, one.calls, one.flops) for one in answer.missed] == [
        ("aten.scaled_dot_product_attention", 12, flops)
    ]
    # Norms are 5 an element, 25 of them over 197 tokens 192 wide, and they are all that it adds.
    added = sum(share.amount - share.macs for share in answer.shares if share.amount > share.macs)
    assert added == 25 * 197 * 192 * 5
    assert ledger.macs - flops // 2 + added == answer.operations


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_where_fvcore_stops_so_does_its_convention(shape: tuple[int, ...]) -> None:
    # It reads the last but one size of the right operand, which a vector has not.
    model, inputs = matmul(shape, (5,))
    with pytest.raises(IndexError):
        said("fvcore", model, inputs)
    with pytest.raises(ToolStopsError, match=r"fvcore itself stops at aten\.matmul"):
        replayed("fvcore", model, inputs)


@pytest.mark.parametrize("tool", TOOLS)
def test_where_the_tracer_stops_so_do_both(tool: str) -> None:
    hidden = nn.Linear(4, 4)  # a parameter that is no parameter of the model
    model, inputs = on(lambda x: F.linear(x, hidden.weight), (2, 4))
    with pytest.raises(RuntimeError, match="requires grad as a constant"):
        said(tool, model, inputs)
    with pytest.raises(RunError, match="torch's tracer, by which this convention counts, stops"):
        replayed(tool, model, inputs)


class Wrapped:
    def __init__(self, x: torch.Tensor) -> None:
        self.x = x


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_given_back_in_an_object_has_no_figure(tool: str) -> None:
    model, inputs = on(lambda x: Wrapped(x @ x), (4, 4))
    if tool == "fvcore":  # torchprofile finds no tensor either, and takes all of it for unused
        with pytest.raises(RuntimeError, match="Only tuples, lists and Variables"):
            said(tool, model, inputs)
    with pytest.raises(RunError, match="gives back no tensor"):
        replayed(tool, model, inputs)


def test_without_gradients_torchprofile_misses_a_fused_path() -> None:
    tool = "torchprofile"
    model, inputs = on(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (3, 6, 8))
    with torch.no_grad():
        assert said(tool, model, inputs) == 0
        # The convention is for the tool as it is documented, whatever the caller's mode.
        ours = replayed(tool, model, inputs).operations
    assert ours == said(tool, model, inputs) > 0


class Steered(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x) if x.sum() > 0 else x


@pytest.mark.parametrize("tool", TOOLS)
def test_a_model_that_needs_values_is_traced_with_them(tool: str) -> None:
    from archprof import profile

    model, inputs = Steered(), (torch.ones(3, 4),)
    answer = profile(model, inputs, conventions=[tool]).reported[tool]
    assert answer.operations == said(tool, model, inputs) == 3 * 4 * 4
