"""The two factors of networks, fitted to networks that were made up from factors."""

from __future__ import annotations

import pytest

from archprof.latency.scaling_fit import Parts, fit, fit_queued


def made(kernels: float, overheads: float, factors: tuple[float, float], fresh: float = 0.0) -> Parts:
    return Parts(kernels, overheads, fresh, factors[0] * kernels + factors[1] * overheads + fresh)


@pytest.mark.parametrize("factors", [(1.1, 4.0), (1.0, 1.0), (2.0, 1.0)])
def test_the_factors_that_networks_were_made_with_are_found(factors: tuple[float, float]) -> None:
    networks = [made(30e-3, 1e-3, factors, 2e-3), made(3e-3, 1e-3, factors), made(20e-3, 0.5e-3, factors, 1e-3)]

    assert fit(networks) == pytest.approx(factors)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Kernels of 2 s in 1 s want a half, and have 1; overheads of 0.5 s in 1 s want and have 2.
        (Parts(2.0, 0.0, 0.0, 1.0), Parts(0.0, 0.5, 0.0, 1.0), (1.0, 2.0)),
        (Parts(0.5, 0.0, 0.0, 1.0), Parts(0.0, 2.0, 0.0, 1.0), (2.0, 1.0)),
        (Parts(2.0, 0.0, 0.0, 1.0), Parts(0.0, 2.0, 0.0, 1.0), (1.0, 1.0)),
    ],
)
def test_no_factor_is_below_one(first: Parts, second: Parts, expected: tuple[float, float]) -> None:
    assert fit([first, second]) == pytest.approx(expected)


def test_networks_that_are_all_alike_have_one_factor() -> None:
    assert fit([Parts(8e-3, 1e-3, 0.0, 13e-3)] * 3) == pytest.approx((1.5, 1.0))


def test_a_device_that_is_run_ahead_of_takes_the_longer_of_the_two() -> None:
    # Kernels times 1.25 and overheads times 3: 10 ms beside 3 ms, 5 beside 6, 2.5 beside 9, 20 beside 6.
    parts = [(8e-3, 1e-3), (4e-3, 2e-3), (2e-3, 3e-3), (16e-3, 2e-3)]
    networks = [Parts(x, y, 0.0, max(1.25 * x, 3 * y)) for x, y in parts]

    assert fit_queued(networks) == pytest.approx((1.25, 3.0))


def test_of_networks_that_do_not_agree_each_factor_is_the_least_squares_of_its_own() -> None:
    # Shares of kernels 1/2 and 1/4: 3/4 over 5/16 is 2.4. Overheads say nothing there, and have 1/5 elsewhere: 5.
    networks = [Parts(1.0, 0.01, 0.0, 2.0), Parts(1.0, 0.01, 0.0, 4.0), Parts(0.01, 0.2, 0.0, 1.0)]

    assert fit_queued(networks) == pytest.approx((2.4, 5.0))


def test_what_no_network_says_anything_about_is_one() -> None:
    assert fit_queued([Parts(1.0, 0.0, 0.0, 2.0)] * 2) == pytest.approx((2.0, 1.0))
