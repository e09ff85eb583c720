"""What fvcore and torchprofile print or where they stop, on the operations and modules that torch tests itself with."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from archprof.count.conventions import report
from archprof.count.conventions.subject import Subject
from archprof.count.ledger import count
from archprof.errors import RunError
from archprof.records.conventions import find_convention
from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace, trace_values

from .conventions.generated import MODULES, OPERATIONS, Case, modules, operations

if TYPE_CHECKING:
    from collections.abc import Iterable

STOPS = "stops"

# Whatever one of the two has a rule for, and some that neither has.
NAMES = """
    addmm addmv baddbmm bmm einsum matmul mm mv mul mean linalg.vecdot nn.functional.adaptive_avg_pool2d
    nn.functional.avg_pool1d nn.functional.batch_norm nn.functional.bilinear nn.functional.conv1d nn.functional.conv2d
    nn.functional.conv_transpose2d nn.functional.grid_sample nn.functional.group_norm nn.functional.instance_norm
    nn.functional.interpolate.bilinear nn.functional.interpolate.nearest nn.functional.layer_norm
    nn.functional.leaky_relu nn.functional.linear nn.functional.scaled_dot_product_attention nn.functional.rms_norm
    nn.functional.gelu inner outer tensordot cumsum sort
"""
IN_CI = set(NAMES.split())
MODULES_IN_CI = {"nn.Bilinear", "nn.GroupNorm", "nn.GRUCell", "nn.LSTM", "nn.MultiheadAttention", "nn.PReLU", "nn.RNN"}
# Their results do not depend on what goes in, so torch's tracer has nothing to follow; or they are no tensors.
NOTHING_TO_FOLLOW = ("_like", "linspace", "logspace", "item", "equal", "allclose")


def tool(name: str, case: Case) -> int | str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = copy.deepcopy(case.model)
        try:
            if name == "torchprofile":
                from torchprofile import profile_macs

                return int(profile_macs(model, case.inputs))
            from fvcore.nn import FlopCountAnalysis

            logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
            return int(FlopCountAnalysis(model, case.inputs).total())
        except Exception:
            return STOPS


def convention(name: str, subject: Subject) -> int | str:
    try:
        return report(find_convention(name), subject).operations
    except RunError:
        return STOPS


def differences(cases: Iterable[Case]) -> list[Any]:
    """Where a tool and its convention part."""
    found = []
    for case in cases:
        if case.keywords:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pass_ = trace(case.model, case.inputs)
            except DataDependentError:
                pass_ = trace_values(copy.deepcopy(case.model), case.inputs)
            except RunError:  # the pass without values refuses it, which the tests of the pass hold against torch
                continue
            subject = Subject(case.model, case.inputs, count(pass_))
            for name in ("fvcore", "torchprofile"):
                theirs, ours = tool(name, case), convention(name, subject)
                if theirs != ours:
                    found.append((name, theirs, ours, [getattr(value, "shape", value) for value in case.inputs]))
    return found


def test_the_names_are_torch_s() -> None:
    assert set(OPERATIONS) >= IN_CI
    assert set(MODULES) >= MODULES_IN_CI


@pytest.mark.parametrize(
    "name",
    [
        name if name in IN_CI else pytest.param(name, marks=pytest.mark.full)
        for name in OPERATIONS
        if not any(part in name for part in NOTHING_TO_FOLLOW)
    ],
)
def test_operations(name: str) -> None:
    assert differences(operations(name)) == []


@pytest.mark.parametrize(
    "name", [name if name in MODULES_IN_CI else pytest.param(name, marks=pytest.mark.full) for name in MODULES]
)
def test_modules(name: str) -> None:
    assert differences(modules(name)) == []
