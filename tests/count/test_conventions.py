"""Several conventions of one model: recorded once, and each failure a remark of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import archprof
from archprof.count.conventions import reports
from archprof.count.conventions.subject import Subject
from archprof.count.ledger import count
from archprof.errors import RunError, UsageError
from archprof.records.conventions import CONVENTIONS
from archprof.trace.run import trace

from .conventions.generated import MODULES, modules

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = torch.zeros(1, 3, 64, 64)


class Call(nn.Module):
    """A forward from a function, with modules by name."""

    def __init__(self, function: Callable[..., Any], **members: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self, *inputs)


def subject(model: nn.Module, *inputs: torch.Tensor, image: bool = True) -> Subject:
    return Subject(model.eval(), inputs, count(trace(model, inputs)), image)


class Counting(nn.Sequential):
    """Counts how often it is run."""

    runs = 0

    def forward(self, x: torch.Tensor) -> Any:
        type(self).runs += 1
        return super().forward(x)


def test_all_conventions_need_three_passes_more() -> None:
    given = subject(Counting(nn.Conv2d(3, 4, 3)), IMAGE)
    Counting.runs = 0
    figures, remarks = reports(given, CONVENTIONS, asked=CONVENTIONS)
    assert set(figures) == set(CONVENTIONS) - {"flops"}
    assert remarks == ()
    # One under torch's tracer for fvcore and torchprofile, one of thop 2.0's smaller image and one of the installed
    # thop's; the rest read the ledger.
    assert Counting.runs == 3


def test_shares_are_of_those_that_were_asked_for() -> None:
    figures, _ = reports(subject(nn.Conv2d(3, 4, 3), IMAGE), ["fvcore", "macs"], asked=["macs"])
    assert {name: bool(figure.shares) for name, figure in figures.items()} == {"fvcore": False, "macs": True}


def test_no_such_convention() -> None:
    with pytest.raises(UsageError, match="no convention 'thop'"):
        reports(subject(nn.Conv2d(3, 4, 3), IMAGE), ["thop"])


# 64·64 places of 8 channels of 3·9 products.
MACS = 64 * 64 * 8 * 27


def convolution() -> nn.Module:
    return nn.Conv2d(3, 8, 3, padding=1)


STOPPING = {
    "softmax": (
        lambda: Call(lambda m, x: (lambda y: y * m.soft(y))(m.conv(x)), conv=convolution(), soft=nn.Softmax()),
        "thop itself stops at soft (Softmax): it has no dim, which thop's rule reads",
    ),
    "by keyword": (
        lambda: Call(lambda m, x: m.conv(input=x), conv=convolution()),
        "thop itself stops at conv (Conv2d): it was called by keyword, and thop sees positional arguments only",
    ),
}


@pytest.mark.filterwarnings("ignore:Implicit dimension choice for softmax")
@pytest.mark.parametrize("name", STOPPING)
def test_what_thop_stops_at_is_a_remark(name: str) -> None:
    build, why = STOPPING[name]
    profile = archprof.profile(build(), IMAGE)
    assert profile.totals.macs == MACS
    assert profile.reported == {}
    assert profile.environment.remarks == [f"no thop-2.0 figure: {why}"]
    profile = archprof.profile(build(), IMAGE, conventions=["thop-2.0"])
    assert profile.totals.macs == MACS
    assert profile.environment.remarks == [f"--convention thop-2.0 cannot be given: {why}"]


def test_what_fvcore_stops_at_is_a_remark() -> None:
    # 3·64 rows of 64 with a vector of 64.
    model = Call(lambda m, x: x @ torch.zeros(64, device=x.device))
    profile = archprof.profile(model, IMAGE, conventions=["fvcore"])
    assert profile.totals.macs == 3 * 64 * 64
    assert "fvcore" not in profile.reported
    assert profile.environment.remarks == [
        "--convention fvcore cannot be given: fvcore itself stops at aten.matmul: "
        "it reads the last but one size of the right operand, which a vector has not"
    ]


def test_keyword_arguments() -> None:
    for name in ("fvcore", "torchprofile"):
        profile = archprof.profile(convolution(), {"input": IMAGE}, conventions=[name])
        assert profile.totals.macs == MACS
        (remark,) = profile.environment.remarks
        assert remark.endswith("torch's tracer, by which this convention counts, takes positional arguments only")
    # A view of the ledger minds nothing of it.
    assert archprof.profile(convolution(), {"input": IMAGE}, conventions=["macs"]).reported["macs"].operations == MACS


def test_a_convention_for_images_says_nothing_unasked_of_what_takes_none() -> None:
    model, tokens = nn.Linear(4, 4), torch.zeros(2, 4)
    assert archprof.profile(model, tokens).environment.remarks == []
    assert archprof.profile(model, tokens, conventions=["thop-2.0"]).environment.remarks == [
        "--convention thop-2.0 cannot be given: it is for models that take images"
    ]


def test_of_a_batch_thop_sees_one_image_and_is_compared_with_one() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), Call(lambda m, x: x.flatten(2) @ x.flatten(2).mT))
    # 64·64 places of 4·3 products, and 4·4 sums over 64·64 places.
    convolution, product = 64 * 64 * 12, 4 * 4 * 64 * 64
    profiles = [archprof.profile(model, IMAGE.expand(batch, -1, -1, -1), conventions=["thop-2.0"]) for batch in (1, 8)]
    assert [profile.totals.macs for profile in profiles] == [convolution + product, 8 * (convolution + product)]
    one, eight = (profile.reported["thop-2.0"] for profile in profiles)
    assert one == eight
    assert eight.per_image
    assert eight.exact_macs == convolution + product
    assert eight.gflops == 2 * convolution / 1e9
    assert [(missed.operation, missed.flops) for missed in eight.missed] == [("aten.bmm", 2 * product)]
    # What counts the whole batch says so too.
    fvcore = archprof.profile(model, IMAGE.expand(8, -1, -1, -1), conventions=["fvcore"]).reported["fvcore"]
    assert (fvcore.per_image, fvcore.exact_macs) == (False, 8 * (convolution + product))


class ByKeyword(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Any) -> Any:
        names = self.module.forward.__code__.co_varnames[1:]
        return self.module(**dict(zip(names, inputs, strict=False)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODULES)
def test_no_convention_takes_the_main_answer_with_it(name: str) -> None:
    for case in modules(name):
        if case.keywords:
            continue
        for model in (case.model, ByKeyword(case.model)):
            try:
                ledger = count(trace(model, case.inputs))
            except RunError:  # a loss that reads lengths: it has no ledger without values
                continue
            given = Subject(model, case.inputs, ledger)
            figures, remarks = reports(given, CONVENTIONS, asked=CONVENTIONS)
            # One or the other for each, and the ledger's own views never fail.
            assert len(figures) + len(remarks) == len(CONVENTIONS) - 1
            assert set(figures) >= {"macs", "all", "torchvision"}
            assert figures["macs"].operations == ledger.macs
            assert all(remark.startswith("--convention ") and " cannot be given: " in remark for remark in remarks)
