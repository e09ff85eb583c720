"""The grids: interpolation by hand, and what is no grid."""

from __future__ import annotations

import msgspec
import pytest

from archprof.records.calibration import Calibration, Grid


def grid(**changes: object) -> Grid:
    values = {
        "kind": "product",
        "axes": ["rows", "columns"],
        "ticks": [[4, 16], [1, 64]],
        # (4, 1), (4, 64), (16, 1), (16, 64)
        "rates": [1e9, 4e9, 2e9, 16e9],
    }
    return msgspec.convert(values | changes, Grid)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((4, 1), 1e9),
        ((16, 64), 16e9),
        # 8 is halfway from 4 to 16 in logarithms: the root of 1e9 and 2e9.
        ((8, 1), 1e9 * 2**0.5),
        # 8 is halfway from 1 to 64 too: the fourth root of 1 * 4 * 2 * 16 = 128.
        ((8, 8), 1e9 * 128**0.25),
        # 4 is a third of the way from 1 to 64: 1e9^(2/3) * 4e9^(1/3).
        ((4, 4), 1e9 * 4 ** (1 / 3)),
        # Beyond the edge as at the edge.
        ((1, 1), 1e9),
        ((1000, 1000), 16e9),
        ((1000, 1), 2e9),
    ],
)
def test_a_rate_is_linear_in_logarithms_between_ticks(sizes: tuple[int, int], expected: float) -> None:
    assert grid().rate(sizes) == pytest.approx(expected, rel=1e-12)


def test_one_tick_has_one_rate() -> None:
    entry = grid(axes=["kernel"], ticks=[[9]], rates=[3e9])

    assert entry.rate((1,)) == entry.rate((9,)) == entry.rate((49,)) == pytest.approx(3e9)


@pytest.mark.parametrize(
    "changes",
    [
        {"rates": [1e9, 4e9, 2e9]},
        {"rates": [1e9, 4e9, 2e9, 0.0]},
        {"rates": [1e9, 4e9, 2e9, -1.0]},
        {"rates": [1e9, 4e9, 2e9, float("inf")]},
        {"rates": [1e9, 4e9, 2e9, float("nan")]},
        {"ticks": [[16, 4], [1, 64]]},
        {"ticks": [[4, 4], [1, 64]]},
        {"ticks": [[0, 4], [1, 64]]},
        {"ticks": [[], [1, 64]], "rates": []},
        {"axes": ["rows"]},
    ],
)
def test_what_cannot_have_been_measured_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        grid(**changes)


def test_how_far_its_own_networks_are_from_what_is_predicted(round_figures: Calibration) -> None:
    assert round_figures.worst_error == 0
    # Half of what it took is further than a quarter more.
    assert msgspec.structs.replace(round_figures, networks=[1.0, 1.25, 0.5]).worst_error == 0.5
