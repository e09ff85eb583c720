"""The static equivalent is the same network with plain layers: built, run, and as large as the formulas say."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from archprof.builder.options import Options
from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.parameternet.analysis import analyse
from archprof.parameternet.twin import Twin, static_copy
from archprof.pipeline.counting import prepare, profile_spec
from archprof.sources.reference import resolve
from archprof.trace.run import RunSpec, trace
from model_zoo.dynamic import DynamicConv2d
from model_zoo.llama.experts import MixtureLinear


def twin_of(model: nn.Module, *shape: int) -> Twin:
    """The twin, held against what the formulas say of it."""
    run = RunSpec(inputs=(torch.empty(shape, device="meta"),))
    ledger = count(run(model.eval()))
    result, _ = analyse(ledger, measure(ledger.trace), run)
    assert result is not None
    assert result.model.static is not None
    assert result.model.static.parameters == result.model.parameters.static
    assert result.model.static.macs == result.model.macs.static
    assert result.model.remarks == []
    return static_copy(ledger.trace)


def test_the_plain_convolution_has_stride_padding_dilation_and_groups() -> None:
    model = nn.Sequential(DynamicConv2d(8, 16, 3, 2, g=2, d=2, experts=4), nn.BatchNorm2d(16), nn.ReLU())
    layer = twin_of(model, 3, 8, 9, 9).module[0]  # type: ignore[index]

    assert type(layer) is nn.Conv2d
    assert (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride) == (8, 16, (3, 3), (2, 2))
    assert (layer.padding, layer.dilation, layer.groups, layer.bias) == ((2, 2), (2, 2), 2, None)
    assert isinstance(model[0], DynamicConv2d)


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "macs"),
    [
        # 6·4·9 weights at 64 places of 2 images; 6·4 at 64 of 2; 8·16 for 5 tokens of 2 samples.
        ("Weighed", (2, 4, 8, 8), 216, 2 * 64 * 216),
        ("Shared", (2, 4, 8, 8), 24, 2 * 64 * 24),
        ("Attention4", (2, 4, 8, 8), 216, 2 * 64 * 216),
        ("TopOne", (2, 4, 8, 8), 216, 2 * 64 * 216),
        ("TopTwo", (2, 5, 8), 128, 2 * 5 * 128),
        ("Dense", (2, 5, 8), 128, 2 * 5 * 128),
    ],
)
def test_a_users_own(layers: Any, name: str, shape: tuple[int, ...], parameters: int, macs: int) -> None:
    # The model itself is the layer, or is round it.
    for model in (getattr(layers, name)(), nn.Sequential(getattr(layers, name)(), nn.ReLU())):
        twin = twin_of(model, *shape)
        assert sum(parameter.numel() for parameter in twin.module.parameters()) == parameters
        assert count(trace(twin.module, (torch.empty(shape, device="meta"),))).macs == macs


def test_experts_become_a_linear_layer() -> None:
    twin = twin_of(nn.Sequential(MixtureLinear(8, 16, 4)), 2, 5, 8)
    assert isinstance(twin.module[0], nn.Linear)  # type: ignore[index]


def test_a_layer_that_runs_twice_is_one_layer() -> None:
    layer = DynamicConv2d(4, 4, 3, experts=2)
    twin = twin_of(nn.Sequential(layer, nn.ReLU(), layer), 1, 4, 8, 8)
    assert twin.module[0] is twin.module[2]  # type: ignore[index]
    assert twin.replaced == 1


class Squeezed(nn.Module):
    """A dynamic convolution whose result is weighed by its own mean."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = DynamicConv2d(4, 4, 3, experts=2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return y * y.mean((2, 3), keepdim=True).sigmoid()


def test_what_is_made_of_the_result_stays() -> None:
    twin = twin_of(Squeezed(), 1, 4, 8, 8)
    assert isinstance(twin.module, Squeezed)


def test_a_forward_is_rewritten_where_the_layer_is_part_of_it(layers: Any) -> None:
    twin = twin_of(nn.Sequential(layers.Normalised(), nn.ReLU()), 3, 4, 8, 8)
    block = twin.module[0]  # type: ignore[index]
    assert type(block).__name__ == "Normalised"
    # The other convolutions are as they were; router and experts are gone.
    assert {name for name, _ in block.named_children()} == {"before", "norm", "plain_0"}
    assert [tuple(parameter.shape) for parameter in block.plain_0.parameters()] == [(6, 4, 3, 3)]


def test_what_cannot_be_rewritten_stays_and_is_named(layers: Any) -> None:
    values = torch.empty(1, 4, 8, 8, device="meta")
    twin = static_copy(trace(nn.Sequential(layers.Steered()).eval(), (values,)))
    assert twin.remarks == (
        "the static equivalent keeps the dynamic layer of 0: "
        "its forward branches on shapes or values, and cannot be rewritten",
    )
    assert twin.replaced == 0


def test_a_router_in_a_parent_that_cannot_be_rewritten_stays_and_is_named(layers: Any) -> None:
    values = torch.empty(1, 4, 8, 8, device="meta")
    twin = static_copy(trace(layers.Routing().eval(), (values,)))
    assert twin.remarks == (
        "the static equivalent keeps the router of the dynamic layers of the model: "
        "its forward branches on shapes or values, and cannot be rewritten",
    )
    assert twin.replaced == 1


def test_a_mixed_matrix_that_is_a_part_of_a_module_stays_and_is_named(layers: Any) -> None:
    run = RunSpec(inputs=(torch.empty(2, 5, 8, device="meta"),))
    ledger = count(run(nn.Sequential(layers.Residual()).eval()))
    result, _ = analyse(ledger, measure(ledger.trace), run)
    assert result is not None
    # The twin is the model: router 8·3, bank 3 · 64, norm 16, and the formulas take all but 64 and the norm away. For
    # each of 2 samples the router's 24 and the mixing of 192.
    assert result.model.remarks == [
        "the static equivalent keeps the dynamic layer of 0: its forward does more than multiply by the mixed matrix",
        "the static equivalent has 232 parameters, +152 from the formulas",
        "the static equivalent has 1,072 MACs, +432 from the formulas",
    ]


def test_a_router_in_the_parent_goes_with_its_experts() -> None:
    with torch.device("meta"):
        model = timm.create_model("tf_efficientnet_cc_b0_4e")
    twin = twin_of(model, 2, 3, 224, 224)
    assert not [name for name, _ in twin.module.named_modules() if "routing" in name]


@pytest.mark.parametrize("name", ["yolov10n-DynamicConv-1", "llama-1b-gate-4e"])
def test_the_zoo_s(name: str) -> None:
    spec = resolve(name)
    profile, twin = (profile_spec(spec, Options(static=static)) for static in (False, True))
    assert profile.parameternet is not None
    assert twin.parameternet is None
    assert twin.totals.parameters == profile.parameternet.model.parameters.static
    assert twin.totals.macs == profile.parameternet.model.macs.static
    assert (twin.variant.static, profile.variant.static) == (True, False)


def test_parameternet_s_twin_is_the_published_ghostnet() -> None:
    # 19.8 M parameters and 579 M MACs as torchprofile counts them: arXiv 2306.14525, table 2.
    twin = profile_spec(resolve("parameternet-600m"), Options(static=True), ["torchprofile"])
    ghostnet = profile_spec(resolve("ghostnet-600m"), Options(), ["torchprofile"])
    assert twin.totals.parameters == ghostnet.totals.parameters == 19_822_198
    assert twin.totals.macs == ghostnet.totals.macs
    assert twin.totals.elementwise_flops == ghostnet.totals.elementwise_flops
    assert round(twin.reported["torchprofile"].operations / 10**6) == 579


def test_a_twin_runs_for_real_and_is_folded() -> None:
    spec = resolve("yolov10n-DynamicConv-1")
    built, inputs = prepare(spec, Options(size=(64,), device="cpu", static=True, fuse=True))
    assert (built.static, built.fused) == (True, True)
    with torch.no_grad():
        assert built.module(*inputs) is not None


def test_a_model_without_dynamic_layers_is_its_own_twin() -> None:
    twin = profile_spec(resolve("ghostnet-600m"), Options(static=True))
    assert twin.environment.remarks == ["it has no dynamic layers: the static equivalent is the model itself"]
