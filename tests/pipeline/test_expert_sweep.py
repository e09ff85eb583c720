"""Models rebuilt with other numbers of experts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof.builder.options import Options
from archprof.errors import BuildError
from archprof.pipeline.counting import profile_spec
from archprof.pipeline.expert_sweep import curve
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from archprof.records.parameternet import ExpertSweep

LAYERS = Path(__file__).parents[1] / "parameternet" / "layers.py"


def curve_of(reference: str, *experts: int, size: tuple[int, ...] | None = None) -> ExpertSweep:
    _, found = curve(resolve(reference), Options(size=size), experts)
    return found


def test_the_papers_curve() -> None:
    # arXiv 2306.14525, table 4: millions of parameters, and of FLOPs, which are MACs as torchprofile counts them.
    printed = {1: (8.6, 289), 2: (11.0, 293), 4: (15.7, 298), 8: (25.2, 308)}
    found = curve_of("parameternet-300m", *printed)

    for point in found.points:
        parameters, macs = printed[point.experts]
        assert round(point.measured.parameters / 10**6, 1) == parameters
        assert point.torchprofile_macs is not None
        assert round(point.torchprofile_macs / 10**6) == macs
    # One expert is the static network, without routers.
    assert found.static == found.points[0].measured
    assert [point.layers for point in found.points] == [0, 76, 76, 76]


def test_timms_with_eight_experts_are_timms_own_with_eight() -> None:
    (point,) = curve_of("timm:tf_efficientnet_cc_b0_4e", 8).points
    theirs = profile_spec(resolve("timm:tf_efficientnet_cc_b0_8e"), Options()).totals
    assert (point.measured.parameters, point.measured.macs) == (theirs.parameters, theirs.macs)
    assert point.measured.bytes_moved == theirs.bytes_read + theirs.bytes_written


def test_a_users_own_is_resized() -> None:
    # 16 of one kernel, 4 + 1 of the router for each expert, and 7 that nothing uses.
    points = curve_of(f"{LAYERS}:Hyper", 1, 2, 5).points
    assert [point.measured.parameters for point in points] == [21 + 7, 2 * 21 + 7, 5 * 21 + 7]


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("Weighed", "the model does not take M = 2: "),  # its code says 3
        ("Shared", "is not a bank of 2"),  # each is a parameter of its own
    ],
)
def test_an_m_that_a_layer_cannot_take(factory: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        curve_of(f"{LAYERS}:{factory}", 2 if factory == "Weighed" else 3, size=(8,))
