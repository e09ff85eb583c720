"""The tools themselves, run on a model whose cost is known by heart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from archprof.counters import COUNTERS
from archprof.counters.interface import family
from archprof.counters.probe import EXPECTED, probe_case
from archprof.counters.process import run_isolated
from archprof.counters.thop import Thop

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.audit.model_source import SpecSource
    from archprof.counters import CounterResult

# The mixed model on an 8×8 image:
CONV = 8 * 8 * 8 * 27  # 8 channels of 8×8 elements, each of 3·3·3 products
FUNCTION = 8 * 8 * 8 * 8  # the same of 8 products
PRODUCTS = 2 * 64 * 64 * 8  # 64 tokens of 8 numbers with one another, and back
HEAD = 64 * 8 * 4
NORM = SILU = 8 * 64  # elements
SAYS = {
    # Four an element of a normalisation; the convolution that is run as a function is not seen.
    "thop": CONV + PRODUCTS + HEAD + 4 * NORM,
    # Two an element of a normalisation in eval mode, as fvcore's handles have it.
    "fvcore": CONV + FUNCTION + PRODUCTS + HEAD + 2 * NORM,
    "torch": CONV + FUNCTION + PRODUCTS + HEAD,
    # Biases count, the product by the operator @ does not, nor does the convolution that is run as a function.
    "ptflops": CONV + 512 + HEAD + 64 * 4 + 2 * NORM + SILU,
    # Parameters times positions; of a layer that is no convolution times the batch, which is one.
    "torchinfo": 64 * (8 * 27 + 8) + (8 + 8) + (8 * 4 + 4),
    # The product by the operator @ is not seen.
    "calflops": CONV + FUNCTION + HEAD,
    "torchprofile": CONV + FUNCTION + PRODUCTS + HEAD + NORM,
}


@pytest.mark.parametrize("name", SAYS)
def test_what_it_says_in_macs(name: str, mixed: dict[str, CounterResult]) -> None:
    result = mixed[name]
    assert result.error is None
    assert result.macs == SAYS[name]
    assert result.seconds is not None
    assert result.version


@pytest.mark.parametrize("name", SAYS)
def test_its_parts_add_up(name: str, mixed: dict[str, CounterResult]) -> None:
    assert sum(item.macs for item in mixed[name].items) == SAYS[name]


@pytest.mark.parametrize("name", ["fvcore", "torch", "torchprofile"])
def test_operations_belong_to_the_module_that_ran_them(name: str, mixed: dict[str, CounterResult]) -> None:
    parts: Counter[tuple[str, str | None]] = Counter()
    for item in mixed[name].items:
        if item.covers:
            parts[item.module, item.covers] += item.macs
    assert parts == {
        ("conv", "convolution"): CONV,
        ("", "convolution"): FUNCTION,
        ("", "product"): PRODUCTS,
        ("head", "product"): HEAD,
    }


def test_functions_that_thop_adds_up_are_listened_to(mixed: dict[str, CounterResult]) -> None:
    functions = [(item.module, item.operation, item.macs) for item in mixed["thop"].items if item.covers == "product"]
    assert functions == [("", "matmul", PRODUCTS // 2)] * 2


def test_in_its_own_unit(mixed: dict[str, CounterResult]) -> None:
    torch_says, calflops_says = mixed["torch"], mixed["calflops"]
    assert (torch_says.value, torch_says.unit) == (2 * SAYS["torch"], "FLOPs")
    # What it calls FLOPs has more in it than twice its MACs.
    assert calflops_says.value is not None
    assert calflops_says.value > 2 * SAYS["calflops"]


def test_a_swallowed_failure_is_no_figure(mixed: dict[str, CounterResult]) -> None:
    # Ultralytics takes the first parameter's second dimension, 8 here, for the image's channels.
    result = mixed["ultralytics"]
    assert result.macs is None
    assert result.error is not None
    assert "0.0" in result.error


def test_a_module_of_two_parents(source: Callable[..., SpecSource]) -> None:
    # 3 channels of 8×8 elements of 3 products, run twice; ptflops reads the module once a parent.
    once = 2 * 3 * 64 * 3
    results = {one.name: one for one in run_isolated(source("Shared"), ["ptflops", "thop"], time_limit=300)}
    assert {name: result.macs for name, result in results.items()} == {"ptflops": 2 * once, "thop": once}
    assert [(item.module, item.macs) for item in results["ptflops"].items] == [("first.0", once)] * 2


def test_the_probe_by_hand() -> None:
    # Convolution: 32·32 positions, 4 channels, 3·3·3 products. Linear: 4·32·32 inputs, 10 outputs.
    assert EXPECTED == 110_592 + 40_960


def test_running_one_changes_nothing_of_ours() -> None:
    model, inputs = probe_case()
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    matmul, linear = torch.matmul, nn.functional.linear
    result = Thop().run(model, inputs)
    assert result.macs == EXPECTED
    assert model.training
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or "total_ops" in vars(module) for module in model.modules())
    assert (torch.matmul, nn.functional.linear) == (matmul, linear)


def test_what_is_not_installed_says_what_to_type() -> None:
    class Absent(Thop):
        distribution = package = "no-such-counter"
        version = None

    result = Absent().run(*probe_case())
    assert result.error == "not installed: pip install no-such-counter"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("aten.convolution", "convolution"),
        ("aten::_convolution", "convolution"),
        ("torchvision.deform_conv2d", "convolution"),
        ("aten.addmm", "product"),
        ("__matmul__", "product"),
        ("linear", "product"),
        ("aten._scaled_dot_product_flash_attention_for_cpu", "product"),
        ("aten.lstm", "product"),
        ("upsample_bilinear2d", None),
        ("batch_norm", None),
        ("mul", None),
    ],
)
def test_the_family_of_an_operation(operation: str, expected: str | None) -> None:
    assert family(operation) == expected


def test_every_counter_has_its_own_name() -> None:
    assert [counter.name for counter in COUNTERS.values()] == list(COUNTERS)
