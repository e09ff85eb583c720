"""Figures before they are drawn: their numbers are the records', they add up, and their colours differ."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.errors import UsageError
from archprof.records.audit import AuditResult, Difference, Opinion, Row
from archprof.records.benchmark import Benchmark
from archprof.records.latency import Comparison, Latency, Ratio
from archprof.records.sweep import Sweep, SweepRow
from archprof.render.figures import FIGURES, Choice, figures_of
from archprof.render.figures.paired import _spec as paired_spec
from archprof.render.figures.pareto import front, parse_limits
from archprof.render.figures.steps import KINDS, Step, Steps
from archprof.render.figures.style import LESS, MORE, PALETTE, TOTAL
from archprof.render.figures.waterfall import of_opinion

if TYPE_CHECKING:
    from archprof.records.profile import Profile


@given(
    st.integers(1, 10**12),
    st.lists(st.tuples(st.integers(-(10**11), 10**11), st.booleans()), max_size=30),
    st.integers(-(10**6), 10**6),
)
def test_steps_add_up(start: int, amounts: list[tuple[int, bool]], unexplained: int) -> None:
    """Whatever is merged, each part begins where the last one ended, and they lead from one total to the other."""
    steps = [
        Step(f"step {index}", "less" if amount < 0 else "more", [("", None, amount)])
        for index, (amount, _) in enumerate(amounts)
    ]
    end = start + sum(amount for amount, _ in amounts) + unexplained
    way = Steps(start=start, end=end, start_label="a", end_label="b", unit="FLOPs", steps=steps).adding_up()
    first, *parts, last = way.marks()
    level = first["end"]
    for part in parts:
        assert part["start"] == level
        assert part["end"] - part["start"] == part["amount"] != 0
        level = part["end"]
    assert level == last["end"] == end
    assert {part["kind"] for part in parts} <= set(KINDS)
    assert len({part["step"] for part in parts}) <= 8 + 3 + 1  # the largest, the rest of three kinds, what is left


def test_an_audit_s_steps_are_its_differences(profile: Profile) -> None:
    differences = [
        Difference(kind="missed", operation="aten.bmm", why="", macs=-20, module="model.1", row=1),
        Difference(kind="missed", operation="aten.bmm", why="", macs=-10, module="model.0", row=0),
        Difference(kind="added", operation="BatchNorm2d", why="", macs=5, module="model.0", row=0),
    ]
    # 200,000,000 - 20 - 10 + 5 MACs; twice that are the FLOPs that the tool prints.
    opinion = Opinion(counter="thop", version="2.2", unit="FLOPs", value=399_999_950, macs=199_999_975,
                      differences=differences)  # fmt: skip
    audit = AuditResult(
        variant=profile.variant, input=profile.input, environment=profile.environment, macs=200_000_000, seconds=0.1,
        rows=[Row(index=0, module="Conv", path="model.0"), Row(index=1, module="A", path="model.1")],
        opinions=[opinion],
    )  # fmt: skip
    steps = of_opinion(audit, opinion)
    assert steps is not None
    assert [(mark["step"], mark["part"], mark["row"], mark["amount"]) for mark in steps.marks()] == [
        ("exact count", "", None, 400_000_000),
        ("omits aten.bmm", "row 1 A", 1, -40),
        ("omits aten.bmm", "row 0 Conv", 0, -20),
        ("adds BatchNorm2d", "row 0 Conv", 0, 10),
        ("thop 2.2", "", None, 399_999_950),
    ]
    assert [figure.kind for figure in figures_of([audit])] == ["waterfall"]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=40), st.booleans(), st.booleans()
)
def test_the_front_is_what_no_other_beats(points: list[tuple[int, int]], lower_x: bool, lower_y: bool) -> None:
    members = front([{"x": x, "y": y} for x, y in points], [lower_x, lower_y])

    def beats(rival: tuple[int, int], point: tuple[int, int]) -> bool:
        pairs = [(a, b) if lower else (b, a) for a, b, lower in zip(rival, point, (lower_x, lower_y), strict=True)]
        return rival != point and all(a <= b for a, b in pairs)

    expected = sorted(point for point in points if not any(beats(rival, point) for rival in points))
    assert sorted((member["x"], member["y"]) for member in members) == expected


def test_measured_samples_are_all_there(profile: Profile) -> None:
    latency = Latency(
        device="cpu", device_name="A", backend="eager", dtype="float32", batch=1, threads=1, scope="forward pass",
        samples_s=[0.010, 0.011, 0.012], median_s=0.011, ci95_s=(0.010, 0.012),
    )  # fmt: skip
    one = msgspec.structs.replace(profile, latency=[latency])
    ratio = Ratio(ratio=1.2, interval=(1.1, None), confidence=0.95, margin=0.02, verdict="slower")
    comparison = Comparison(base=0, model=1, device="cpu", backend="eager", blocks=9, looks=1, result=ratio)
    benchmark = Benchmark(profiles=[one, one], comparisons=[comparison])
    samples, paired, *_ = figures_of([benchmark], "distribution", "paired")
    assert [value["seconds"] for value in samples.spec["data"]["values"]] == [0.010, 0.011, 0.012] * 2
    (point,) = paired.spec["data"]["values"]
    assert (point["ratio"], point["low"], point["verdict"]) == (1.2, 1.1, "slower")
    assert "archprof bench tiny-variant.yaml" in samples.command


def test_variants_of_a_sweep_are_points_and_its_own_front_is_marked() -> None:
    figures = {"a": (3, 1), "b": (2, 2), "c": (1, 3), "d": (3, 3)}
    rows = [
        SweepRow(point={"name": name}, model="x", figures={"flops": x, "parameters": y})
        for name, (x, y) in figures.items()
    ]
    rows.append(SweepRow(point={"name": "e"}, model="x", error="does not build"))
    sweep = Sweep(setup={"reference": "x.yaml"}, axes=["name"], rows=rows)
    (figure,) = figures_of([sweep], "pareto")
    values = {point["model"]: point.get("state") for point in figure.spec["data"]["values"]}
    # Fewer FLOPs and fewer parameters are better: d is beaten by a, b and c, which trade one for the other.
    front = "on the front"
    assert values == {"name 'a'": front, "name 'b'": front, "name 'c'": front, "name 'd'": None}


def test_limits_are_amounts_of_metrics() -> None:
    assert parse_limits(["flops=8G", "params=3.0 M"]) == {"flops": 8e9, "parameters": 3e6}
    with pytest.raises(UsageError, match="--limit 'flops=soon'"):
        parse_limits(["flops=soon"])


def test_limits_are_in_the_command_that_draws_them(profile: Profile) -> None:
    other = msgspec.structs.replace(profile, totals=msgspec.structs.replace(profile.totals, flops=5, parameters=7))
    (figure,) = figures_of([profile, other], "pareto", choice=Choice(limits=parse_limits(["flops=8G", "params=3 M"])))
    assert " --limit flops=8000000000 --limit parameters=3000000 -o pareto.svg" in figure.command
    assert parse_limits(["flops=8000000000"]) == parse_limits(["flops=8G"])


def test_a_ratio_of_times_is_never_below_nothing() -> None:
    """Two blocks tell nothing: the interval goes from 0 up, and the axis does not go below."""
    point = {"label": "a / b", "ratio": 1.753, "low": 0.0, "high": 1.753, "verdict": "no significant difference"}
    layers = paired_spec([point])["layer"]
    domains = [layer["encoding"]["x"]["scale"]["domain"] for layer in layers]
    assert all(domain == [0, pytest.approx(1.753 + 0.08 * 1.753)] for domain in domains)


def test_every_kind_says_what_is_missing(profile: Profile) -> None:
    bare = msgspec.structs.replace(profile, layers=[], modules=[], operations=[], reported={})
    for name, kind in FIGURES.items():
        assert kind.name == name
        assert list(kind.figures([bare], Choice())) == []
        assert kind.absent


def linear(color: str) -> list[float]:
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]


def lab(channels: list[float]) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of linear sRGB."""
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    values = [sum(a * b for a, b in zip(row, channels, strict=True)) for row in matrix]
    x, y, z = (
        ratio ** (1 / 3) if (ratio := max(value, 0) / base) > 0.008856 else 7.787 * ratio + 16 / 116
        for value, base in zip(values, white, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG
# 15(6), 2009, table 1: severity 1.0, in linear RGB.
VISION = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@pytest.mark.parametrize("vision", VISION)
def test_colours_differ_for_every_reader(vision: str) -> None:
    """CIE76 distances: 2.3 is what is just noticed, and 10 differs at a glance."""
    seen = {}
    for color in PALETTE:
        channels = linear(color)
        seen[color] = lab([sum(a * b for a, b in zip(row, channels, strict=True)) for row in VISION[vision]])
    for one, other in combinations(PALETTE, 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert distance > 10, (one, other, distance)


def test_the_steps_differ_in_grey() -> None:
    lightness = sorted(lab(linear(color))[0] for color in (TOTAL, LESS, MORE))
    assert min(high - low for low, high in pairwise(lightness)) > 15
