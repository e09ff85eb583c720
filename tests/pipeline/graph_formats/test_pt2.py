"""Exported programs, exported here by torch itself, beside the models that they were exported from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import archprof as ap
from archprof.builder.input_spec import InputSpec
from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline import Request
from archprof.pipeline.counting import prepare
from archprof.pipeline.graph_formats import count
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.profile import Profile

FIGURES = (
    "macs",
    "elementwise_flops",
    "parameters",
    "weight_bytes",
    "buffers",
    "activation_bytes",
    "peak_activation_bytes",
    "bytes_read",
    "bytes_written",
)


def export(module: nn.Module, inputs: tuple[Any, ...], path: Path, **options: Any) -> Path:
    """Export a module to a file."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module, inputs, strict=False, **options), path)
    return path


def profile(path: Path, **options: Any) -> Profile:
    """The profile of a file, counted in this process."""
    answer, _ = count(Request(resolve(str(path)), Options(**options)))
    if isinstance(answer, Exception):
        raise answer
    return answer


class Residual(nn.Module):
    """Convolutions, a residual, a normalisation, attention: one operator of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.SiLU())
        self.blocks = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1, groups=2) for _ in range(2)])
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = x + functional.gelu(block(x))
        x = functional.interpolate(functional.max_pool2d(x, 2), scale_factor=2.0)
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        tokens, _ = self.attention(tokens, tokens, tokens)
        return self.head(tokens.mean(1))


class Recurrent(nn.Module):
    """A recurrent layer, and a table of whole numbers that says which steps are read."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 6, batch_first=True, bidirectional=True)
        self.register_buffer("table", torch.tensor([1, 3]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.layer(x)
        return torch.einsum("btc,bsc->bts", y[:, self.table[1].item() :], y)


class Tied(nn.Module):
    """One weight under two names, a module that is called twice, and a part without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.mix = nn.Linear(6, 6)
        self.out = nn.Linear(6, 11, bias=False)
        self.out.weight = self.table.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            x = self.mix(self.table(tokens))
        return self.out(self.mix(x).relu_())


CASES: dict[str, tuple[nn.Module, torch.Tensor]] = {
    "residual": (Residual(), torch.rand(2, 3, 16, 16)),
    "recurrent": (Recurrent(), torch.rand(2, 7, 4)),
    "tied": (Tied(), torch.ones(2, 5, dtype=torch.int64)),
}


@pytest.mark.parametrize("decomposed", [False, pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", CASES)
def test_a_program_costs_what_its_module_does(name: str, decomposed: bool, tmp_path: Path) -> None:
    module, example = CASES[name]
    module.eval()
    path = tmp_path / "net.pt2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (example,), strict=False)
        torch.export.save(program.run_decompositions() if decomposed else program, path)
    eager, exported = ap.profile(module, inputs=example), profile(path)
    assert (exported.totals.macs, exported.totals.parameters) == (eager.totals.macs, eager.totals.parameters)
    assert not exported.coverage.unknown
    if decomposed:  # which has several operators for one, and forgets the modules of what ran without gradients
        return
    assert [getattr(exported.totals, figure) for figure in FIGURES] == [
        getattr(eager.totals, figure) for figure in FIGURES
    ]
    modules = {entry.path: (entry.macs, entry.parameters) for entry in exported.modules}
    assert modules[""] == (eager.totals.macs, eager.totals.parameters)
    for entry in eager.modules:
        if entry.calls:
            assert modules[entry.path] == (entry.macs, entry.parameters), entry.path


def same_as_eager(reference: str, folder: Path, **options: Any) -> None:
    """Export a model that a reference names, and hold its file to it."""
    built, inputs = prepare(resolve(reference), Options(device="cpu", **options))
    path = export(built.module, inputs, folder / "net.pt2")
    eager, exported = ap.profile(reference, **options), profile(path)
    assert [getattr(exported.totals, figure) for figure in FIGURES] == [
        getattr(eager.totals, figure) for figure in FIGURES
    ]
    modules = {entry.path: entry.macs for entry in exported.modules}
    for layer in eager.layers:
        assert modules.get(layer.path, 0) == layer.macs, layer.index


MODELS = [
    "yolo11n.yaml",
    "yolov8n.yaml",
    "yolov10n.yaml",
    "yolo12n.yaml",
    "yolo26n.yaml",
    "yolo11-DynamicConv",
    "parameternet-600m",
    "timm:mobilenetv3_small_100",
    "timm:resnet18",
    "timm:vit_tiny_patch16_224",
    "timm:swin_tiny_patch4_window7_224",
    "timm:convnext_atto",
    "timm:efficientnet_b0",
    "timm:regnety_002",
    "timm:mixer_s32_224",
    "timm:resnest14d",
    "timm:ghostnetv2_100",
    "timm:maxvit_tiny_rw_224",
    "timm:coatnet_nano_rw_224",
]


@pytest.mark.full
@pytest.mark.parametrize("reference", MODELS)
def test_well_known_models(reference: str, tmp_path: Path) -> None:
    same_as_eager(reference, tmp_path)


@pytest.mark.parametrize("reference", ["yolo11n.yaml", "timm:mobilenetv3_small_100"])
def test_some_well_known_models(reference: str, tmp_path: Path) -> None:
    same_as_eager(reference, tmp_path)


class Branching(nn.Module):
    """A branch that values decide."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(x)
        return torch.cond(x.sum() > 1e9, lambda y: y + 1, lambda y: y @ y.T @ y, (x,))


def test_a_branch_is_run_with_values(tmp_path: Path) -> None:
    path = export(Branching().eval(), (torch.rand(3, 4),), tmp_path / "net.pt2")
    answer = profile(path)
    # 3·4·4 of the layer; its sum is never so large, so 3·4·3 and 3·3·4 of the other branch.
    assert answer.totals.macs == 48 + 36 + 36
    assert answer.environment.device == "cpu"
    assert any("run on the CPU with values" in remark for remark in answer.environment.remarks)


class Convolution(nn.Module):
    """Of 3 to 8 channels, 3×3, stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images)


@pytest.fixture(scope="module")
def open_axes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose batch is open, as are height and width: multiples of 32 up to 32 · 1024."""
    height, width = (torch.export.Dim(name, max=1024) for name in ("height", "width"))
    shapes = ({0: torch.export.Dim("batch"), 2: 32 * height, 3: 32 * width},)
    path = tmp_path_factory.mktemp("open") / "net.pt2"
    return export(Convolution().eval(), (torch.rand(2, 3, 64, 96),), path, dynamic_shapes=shapes)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (1, 64, 96)),
        ({"size": (128,)}, (1, 128, 128)),
        ({"size": (32, 64), "batch": 3}, (3, 32, 64)),
        ({"inputs": (InputSpec(name="images", shape=(2, 3, 96, 160)),)}, (2, 96, 160)),
    ],
)
def test_an_open_axis_has_the_size_that_is_asked_for(
    open_axes: Path, options: dict[str, Any], shape: tuple[int, int, int]
) -> None:
    batch, height, width = shape
    answer = profile(open_axes, **options)
    # 27 products for each of 8 channels at each place of half the height and width.
    assert answer.totals.macs == batch * (height // 2) * (width // 2) * 8 * 27
    assert answer.input.shapes == [[batch, 3, height, width]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": (100,)}, "takes multiples of 32 up to 32768 on axis 2, not 100"),
        ({"size": (40000,)}, "takes multiples of 32 up to 32768 on axis 2, not 40000"),
        ({"inputs": (InputSpec(name="images", shape=(1, 4, 64, 64)),)}, "takes 3 on axis 1, not 4"),
        ({"inputs": (InputSpec(name="images", shape=(1, 3, 64)),)}, "has 4 axes, not 3"),
    ],
)
def test_a_size_that_the_program_does_not_take(open_axes: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        profile(open_axes, **options)


def test_modules_of_a_fused_network_of_ultralytics(tmp_path: Path) -> None:
    """Their forward was replaced by another method of theirs: torch writes the paths of what they call within them."""
    from ultralytics.nn.tasks import ClassificationModel

    layers: list[Any] = [[-1, 1, "Conv", [16, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]]
    yaml = {"nc": 3, "backbone": layers, "head": [[-1, 1, "Classify", ["nc"]]]}
    network = ClassificationModel(yaml, verbose=False).eval().fuse(verbose=False)
    path = export(network, (torch.zeros(1, 3, 32, 32),), tmp_path / "fused.pt2")
    modules = {module.path: (module.type, module.macs) for module in profile(path).modules}
    # 16·16 positions of 16 channels, 3·3·3 products each; then 8·8 positions, and 16 channels that are read.
    assert modules["model.0.conv"] == ("Conv2d", 256 * 16 * 27)
    assert modules["model.1.conv"] == ("Conv2d", 64 * 16 * 144)
    assert modules["model.1.act"][0] == "SiLU"
