"""The exact count in its three units, with the arithmetic by hand, and the list of conventions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archprof
from archprof.errors import UsageError
from archprof.records.conventions import CONVENTIONS, DEFAULT, find_convention

# One image of 3 × 8 × 8; without padding the convolution gives 4 × 6 × 6 elements of 3 · 3 · 3 products and a bias
# each, a ReLU looks at each, and the linear layer has 4 · 36 inputs, 10 outputs and a bias each.
MODEL = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)).eval()
IMAGE = torch.zeros(1, 3, 8, 8)
MACS = 144 * 27 + 144 * 10
ELEMENTWISE = 144 + 144 + 10


@pytest.mark.parametrize(
    ("name", "operations"), [("macs", MACS), ("all", 2 * MACS + ELEMENTWISE), ("torchvision", MACS)]
)
def test_units(name: str, operations: int) -> None:
    profile = archprof.profile(MODEL, IMAGE, conventions=[name])
    reported = profile.reported[name]
    assert reported.operations == operations
    assert reported.gflops == operations / 1e9
    assert sum(share.amount for share in reported.shares) == operations
    assert reported.input_shape == [1, 3, 8, 8]
    # The totals stay what they are.
    assert profile.convention == name
    assert (profile.totals.macs, profile.totals.elementwise_flops) == (MACS, ELEMENTWISE)


def test_the_default_is_the_totals_themselves() -> None:
    profile = archprof.profile(MODEL, IMAGE)
    assert profile.convention == DEFAULT == "flops"
    assert DEFAULT not in profile.reported
    assert "thop-2.0" in profile.reported
    assert not profile.reported["thop-2.0"].shares


def test_shares_are_by_module_and_operation() -> None:
    shares = archprof.profile(MODEL, IMAGE, conventions=["all"]).reported["all"].shares
    assert [(share.module, share.operation, share.calls, share.amount, share.macs) for share in shares] == [
        ("0", "aten.convolution", 1, 2 * 144 * 27 + 144, 144 * 27),
        ("1", "aten.relu", 1, 144, 0),
        ("3", "aten.addmm", 1, 2 * 144 * 10 + 10, 144 * 10),
    ]


def test_thop_compares_with_the_size_that_was_asked_for() -> None:
    profile = archprof.profile(
        nn.Sequential(nn.Conv2d(3, 4, 1, bias=False)), torch.zeros(1, 3, 64, 64), conventions=["thop-2.0"]
    )
    (share,) = profile.reported["thop-2.0"].shares
    # thop looks at 32 × 32, a quarter of the area.
    assert (share.operation, share.calls, share.amount, share.macs) == ("Conv2d", 1, 32 * 32 * 12, 64 * 64 * 12)
    assert profile.reported["thop-2.0"].gflops == 2 * 64 * 64 * 12 / 1e9


def test_every_name_is_its_own() -> None:
    assert all(convention.name == name for name, convention in CONVENTIONS.items())
    assert len({convention.module for convention in CONVENTIONS.values()}) == len(CONVENTIONS)
    assert {convention.unit for convention in CONVENTIONS.values()} == {"GFLOPs", "GMACs"}


def test_a_convention_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no convention 'fvcor'") as caught:
        archprof.profile(MODEL, IMAGE, conventions=["fvcor"])
    assert caught.value.hint == "did you mean fvcore?"
    with pytest.raises(UsageError):
        find_convention("")
