"""ParameterNet and GhostNet against the paper's tables, timm's GhostNet, and torchprofile run for real."""

from __future__ import annotations

import pytest
import torch
from timm.models import ghostnet
from torch.utils.flop_counter import FlopCounterMode

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.count.ledger import count
from archprof.errors import BuildError
from archprof.sources.reference import resolve
from archprof.trace.run import trace
from model_zoo.dynamic import DynamicConv2d

# name, experts, parameters, millions of MACs as printed in tables 2 and 4 of arXiv 2306.14525 (the parameters are
# printed as 34.5, 19.8, 8.6, 11.0, 15.7 and 25.2 M there).
PUBLISHED = [
    ("parameternet-600m", 4, 34_504_504, 599),
    ("ghostnet-600m", 1, 19_822_198, 579),
    ("parameternet-300m", 1, 8_633_106, 289),
    ("parameternet-300m", 2, 11_013_742, 293),
    ("parameternet-300m", 4, 15_737_100, 298),
    ("parameternet-300m", 8, 25_183_816, 308),
]


def _built(name, experts, device="meta", **values):
    return build(resolve(name).with_values({"experts": experts, **values}), device=device)


def _parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("name", "experts", "parameters", "macs"), PUBLISHED)
def test_parameters_are_the_published_ones(name, experts, parameters, macs):
    built = _built(name, experts)
    assert _parameters(built.module) == parameters
    assert built.task == "classify"
    assert built.size == (224, 224)


def test_convolutions_and_matrix_products_of_the_600m():
    built = _built("parameternet-600m", 4)
    ledger = count(trace(built.module, make_inputs(built)))
    assert ledger.macs == 589_646_596
    assert not ledger.unknown


@pytest.mark.parametrize("experts", [pytest.param(1, marks=pytest.mark.full), 8])
def test_macs_agree_with_torch(experts):
    built = _built("parameternet-300m", experts)
    inputs = make_inputs(built)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        built.module(*inputs)
    assert 2 * count(trace(built.module, inputs)).macs == counter.get_total_flops()


@pytest.mark.parametrize(
    ("name", "experts", "parameters", "macs"),
    [PUBLISHED[0], *(pytest.param(*row, marks=pytest.mark.full) for row in PUBLISHED[1:])],
)
@pytest.mark.filterwarnings("ignore")  # torch.jit.trace, which torchprofile runs, is on its way out
def test_torchprofile_prints_the_published_macs(name, experts, parameters, macs):
    from torchprofile import profile_macs

    built = _built(name, experts, device="cpu")
    counted = profile_macs(built.module, torch.zeros(1, 3, 224, 224))
    assert round(counted / 1e6) == macs
    if name == "parameternet-600m":
        assert counted == 598_769_873


def test_one_expert_is_timm_s_ghostnet():
    built = _built("parameternet-300m", 1)
    with torch.device("meta"):
        theirs = ghostnet._create_ghostnet("ghostnet_100", width=1.45)
    ours = [tuple(parameter.shape) for parameter in built.module.parameters()]
    assert sorted(ours) == sorted(tuple(parameter.shape) for parameter in theirs.parameters())


def test_what_is_dynamic_and_what_is_not():
    block = _built("parameternet-600m", 4).module.get_submodule("model.4")  # strided, with squeeze-and-excitation
    dynamic = {path for path, module in block.named_modules() if isinstance(module, DynamicConv2d)}
    assert dynamic == {
        *("ghost1.primary_conv.0", "ghost1.cheap_operation.0", "ghost2.primary_conv.0", "ghost2.cheap_operation.0"),
        *("shortcut.0", "shortcut.2"),
    }


def test_the_router_of_the_text_has_the_parameters_of_the_text():
    # C_in² + C_in·M of two layers without biases instead of C_in·M + M of one with: M - C_in² fewer.
    linear, mlp = (_built("parameternet-300m", 2, router=router).module for router in ("linear", "mlp"))
    inputs = [module.router.in_features for module in linear.modules() if isinstance(module, DynamicConv2d)]
    assert _parameters(mlp) - _parameters(linear) == sum(channels**2 - 2 for channels in inputs)


@pytest.mark.parametrize("name", ["parameternet-300m", "ghostnet-600m"])
def test_runs_on_a_processor(name):
    built = build(resolve(name).with_values({"nc": 10}), device="cpu")
    with torch.no_grad():
        scores = built.module(torch.randn(2, 3, 64, 64))
    assert scores.shape == (2, 10)
    assert scores.isfinite().all()


@pytest.mark.parametrize("experts", [0, -4, 2.5, "four", True])
def test_no_number_of_experts(experts):
    with pytest.raises(BuildError, match=f"experts must be a whole number from 1 up, not {experts!r}"):
        _built("parameternet-300m", experts)
