from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.claims.figure_replay import replay_figure
from archprof.errors import UsageError
from archprof.records.published import Published

if TYPE_CHECKING:
    from archprof.records.profile import Profile


@pytest.mark.parametrize(
    ("published", "measured", "exact", "unit", "ratio"),
    [
        (Published("modules", "10"), 10, None, "", None),
        (Published("trainable_parameters", "1.2 M"), 1_234_551, None, "", None),
        (Published("gflops", "8.0"), 8.0, 8_000_000_000, "FLOPs", 1.0),
        (Published("gflops", "6.4"), 8.0, 8_000_000_000, "FLOPs", 1.25),
        (Published("gflops", "6.4", "flops"), 8.0, 8_000_000_000, "FLOPs", 1.25),
        (Published("macs", "3.2 G"), 4_000_000_000, 4_000_000_000, "MACs", 1.25),
        (Published("gflops", "6.4", "thop-2.0"), 6.2, 8_000_000_000, "FLOPs", 1.25),
        # The same in MACs: half of everything.
        (Published("macs", "3.2 G", "thop-2.0"), 3_100_000_000, 4_000_000_000, "MACs", 1.25),
        # A rule that counts MACs is held against MACs, whatever the unit it was printed in is called.
        (Published("gflops", "5.0", "fvcore"), 4.5, 4_000_000_000, "MACs", 0.8),
        (Published("macs", "5 G", "fvcore"), 4_500_000_000, 4_000_000_000, "MACs", 0.8),
        (Published("macs", "0", "fvcore"), 4_500_000_000, 4_000_000_000, "MACs", None),
    ],
)
def test_a_figure_is_measured_by_its_own_rule(
    profile: Profile, published: Published, measured: float, exact: int | None, unit: str, ratio: float | None
) -> None:
    figure = replay_figure(published, profile)
    assert figure.printed == published
    assert (figure.measured, figure.exact, figure.unit) == (measured, exact, unit or None)
    assert figure.ratio == (ratio and pytest.approx(ratio))


@pytest.mark.parametrize(
    ("published", "missed", "added", "remainder"),
    [
        (Published("layers", "7"), [], [], 0),
        (Published("gflops", "8.0"), [], [], 0),
        # In FLOPs: 50,000 + 180,000 and 20,000 operations, each doubled and times a thousand; 5.7 G for 7 G.
        (
            Published("gflops", "6.2", "thop-2.0"),
            [("aten.bmm", 2, 1e9)],
            [("BatchNorm2d", 3, 0.46e9), ("Upsample", 1, 0.04e9)],
            -1.3e9,
        ),
        (
            Published("macs", "3.1 G", "thop-2.0"),
            [("aten.bmm", 2, 0.5e9)],
            [("BatchNorm2d", 3, 0.23e9), ("Upsample", 1, 0.02e9)],
            -0.65e9,
        ),
        (Published("gflops", "4.5", "fvcore"), [], [], 0.5e9),
    ],
)
def test_what_is_missed_and_added_and_the_rest_make_the_difference(
    profile: Profile,
    published: Published,
    missed: list[tuple[str, int, float]],
    added: list[tuple[str, int, float]],
    remainder: float,
) -> None:
    figure = replay_figure(published, profile)
    for result, expected in ((figure.missed, missed), (figure.added, added)):
        assert [(part.operation, part.calls) for part in result] == [part[:2] for part in expected]
        assert [part.amount for part in result] == pytest.approx([part[2] for part in expected])
    assert figure.otherwise == pytest.approx(remainder)


@pytest.mark.parametrize(
    ("published", "are_macs"),
    [
        (Published("gflops", "4.0"), True),
        (Published("gflops", "4.1"), False),
        (Published("gflops", "8.0"), False),
        (Published("macs", "4.0 G"), False),
        (Published("macs", "2.0 G"), False),
        (Published("gflops", "3.1", "thop-2.0"), False),
        (Published("parameters", "617,283"), False),
    ],
)
def test_macs_that_were_printed_as_flops_are_recognised(profile: Profile, published: Published, are_macs: bool) -> None:
    assert replay_figure(published, profile).are_macs is are_macs


def test_a_convention_that_says_nothing_is_not_zero(profile: Profile) -> None:
    with pytest.raises(UsageError, match="torchvision has no figure for one"):
        replay_figure(Published("gflops", "6.4", "torchvision"), profile)
