"""From a spec, or from any module, to its profile."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

import archprof
from archprof.builder.options import Options
from archprof.errors import RunError
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path


def test_any_module_is_profiled() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    profile = archprof.profile(model, torch.zeros(2, 3, 10, 10))
    # Output 2·8·8·8 = 1024 elements of 27 products; as many sums of a bias, and as many ReLUs.
    assert profile.totals.macs == 1024 * 27
    assert profile.totals.flops == 2 * 1024 * 27
    assert profile.totals.elementwise_flops == 1024 + 1024
    # 8·27 weights and 8 biases, in four bytes each.
    assert profile.totals.parameters == 224
    assert profile.totals.weight_bytes == 896
    # The model, the convolution and the ReLU; the last two are leaves.
    assert (profile.totals.modules, profile.totals.layers) == (3, 2)
    # Convolution and ReLU each write 1024 floats.
    assert profile.totals.activation_bytes == 2 * 1024 * 4
    assert profile.input.shapes == [[2, 3, 10, 10]]
    assert [module.path for module in profile.modules] == ["", "0", "1"]


def test_a_model_that_reads_values_is_run_on_a_copy_and_the_profile_says_so() -> None:
    class Reading(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.norm(x)
            return y if y.sum().item() > 0 else y * 2

    model = Reading().train()
    before = copy.deepcopy(model.state_dict())
    profile = archprof.profile(model, torch.ones(3, 4))
    assert "run with values" in profile.environment.remarks[0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(RunError, match="needs the values"):
        archprof.profile(Reading().to("meta"), torch.ones(3, 4))


def test_devices_agree_to_the_operation() -> None:
    spec = resolve("yolo11n")
    meta, cpu = (profile_spec(spec, Options(size=(64,), device=device)) for device in ("meta", "cpu"))
    assert meta.totals == cpu.totals
    assert [layer.macs for layer in meta.layers] == [layer.macs for layer in cpu.layers]


@pytest.mark.parametrize(
    "reference", ["timm:vit_tiny_patch16_224", "timm:mobilevit_xxs", "timm:xcit_nano_12_p16_224", "timm:gcvit_xxtiny"]
)
def test_devices_agree_to_the_byte(reference: str) -> None:
    meta, cpu = (profile_spec(resolve(reference), Options(device=device)) for device in ("meta", "cpu"))
    assert meta.totals == cpu.totals
    assert meta.operations == cpu.operations


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("reference", ["yolo11n", "yolov13-DynamicConv"])
def test_cuda_agrees_to_the_operation(reference: str) -> None:
    spec = resolve(reference)
    meta, cuda = (profile_spec(spec, Options(device=device)) for device in ("meta", "cuda"))
    assert meta.totals.macs == cuda.totals.macs
    assert [layer.macs for layer in meta.layers] == [layer.macs for layer in cuda.layers]
    assert not cuda.coverage.unknown


def test_what_rows_share_is_counted_where_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("backbone: [[-1, 1, Conv, [8, 3, 2]], [-1, 1, Conv, [16, 3, 2]]]", encoding="utf-8")
    profile = profile_spec(resolve(str(file)), Options(size=(32,)))
    # Both blocks have one and the same SiLU. BatchNorm takes 2 FLOPs an element and SiLU 4, so the rows have
    # 6 · 8·16² = 12,288 and 6 · 16·8² = 6,144.
    assert [layer.elementwise_flops for layer in profile.layers] == [12_288, 6_144]
    assert [layer.yaml_row for layer in profile.layers] == [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [16, 3, 2]]]


def test_rows_add_up_and_know_their_lines() -> None:
    profile = profile_spec(resolve("yolov13-DynamicConv"), Options())
    assert sum(layer.macs for layer in profile.layers) == profile.totals.macs
    assert sum(layer.parameters for layer in profile.layers) == profile.totals.parameters
    path = profile.variant.path
    assert path is not None
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    for layer in profile.layers:
        assert layer.line is not None
        assert layer.module in lines[layer.line - 1]


class Reached(nn.Module):
    """Reaches into its containers, which are never called themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleList([nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1))])
        self.unused = nn.ModuleList([nn.Conv2d(3, 4, 1)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.inner[0]
        return second(first(x))


def test_a_container_that_is_never_called_has_the_sum_of_its_children() -> None:
    modules = {module.path: module for module in archprof.profile(Reached(), torch.ones(1, 3, 2, 2)).modules}
    # 2 × 2 positions of 3 → 4 channels, then of 4 → 5.
    assert [modules[path].macs for path in ("inner.0.0", "inner.0.1")] == [48, 80]
    assert [modules[path].macs for path in ("", "inner", "inner.0")] == [128] * 3
    assert [modules[path].own_macs for path in ("", "inner", "inner.0")] == [0] * 3
    assert [modules[path].macs for path in ("unused", "unused.0")] == [0, 0]
    assert [modules[path].calls for path in ("", "inner", "inner.0", "inner.0.0")] == [1, 0, 0, 1]


def test_what_is_shared_counts_once_in_each_module_that_holds_it() -> None:
    def parameters(model: nn.Module) -> dict[str, int]:
        return {module.path: module.parameters for module in archprof.profile(model, torch.zeros(1, 4)).modules}

    # A Linear of 4 by 4 has 16 weights and 4 biases, one of 4 by 2 has 8 and 2. An activation has none to share.
    act, layer, other = nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 4)
    apart = nn.Sequential(layer, act, nn.Sequential(other, act, nn.Linear(4, 2)))
    assert parameters(apart) == {"": 20 + 30, "0": 20, "1": 0, "2": 20 + 10, "2.0": 20, "2.2": 10}
    twice = nn.Sequential(layer, act, nn.Sequential(layer, act, nn.Linear(4, 2)))
    assert parameters(twice) == {"": 20 + 10, "0": 20, "1": 0, "2": 20 + 10, "2.2": 10}
    other.weight = layer.weight  # only its biases are its own
    assert parameters(apart) == {"": 20 + 4 + 10, "0": 20, "1": 0, "2": 20 + 10, "2.0": 20, "2.2": 10}


def test_a_batch_multiplies_what_runs_a_sample() -> None:
    one, two = (profile_spec(resolve("yolo11n"), Options(size=(64,), batch=batch)) for batch in (1, 2))
    assert two.totals.macs == 2 * one.totals.macs
    assert two.totals.parameters == one.totals.parameters


def test_half_precision_halves_the_bytes() -> None:
    single, half = (
        profile_spec(resolve("yolo11n"), Options(size=(64,), dtype=dtype)) for dtype in ("float32", "float16")
    )
    assert half.totals.weight_bytes * 2 == single.totals.weight_bytes
    assert half.totals.macs == single.totals.macs
