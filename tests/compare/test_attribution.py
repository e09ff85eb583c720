"""One line of a variant is changed; what is named is that line, with all of the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archprof.builder.options import Options
from archprof.compare.comparing import compare
from archprof.pipeline import ExecutionConfig, Request, profile_all
from archprof.records.profile import Profile
from archprof.sources import reference

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.comparison import Cause, Pair

# Rows 0 to 6 in a line; the head reads rows 4 and 6. Line 1 is nc, line 3 the scale, line 5 row 0.
NC, SCALES, SCALE, ROW_0 = 1, 2, 3, 5
ROWS = [
    "[-1, 1, Conv, [32, 3, 2]]",
    "[-1, 1, Conv, [64, 3, 2]]",
    "[-1, 4, C2f, [64, True]]",
    "[-1, 1, Conv, [128, 3, 2]]",
    "[-1, 2, C3k2, [128, False]]",
    "[-1, 1, Conv, [256, 3, 2]]",
    "[-1, 2, C2f, [256]]",
    "[[4, 6], 1, Detect, [nc]]",
]


def text(rows: list[str], *, nc: int = 5, scale: str = "[0.5, 0.5, 1024]", keys: str = "") -> str:
    lines = [f"nc: {nc}", "scales:", f"  n: {scale}", "backbone:", *(f"  - {row}" for row in rows), *keys.splitlines()]
    return "\n".join(lines) + "\n"


def pair(folder: Path, before: str, after: str, **options: Any) -> Pair:
    specs = []
    for name, content in (("before", before), ("after", after)):
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
        specs.append(reference.resolve(str(folder / f"{name}.yaml")))
    profiles = profile_all([Request(spec, Options(size=(64, 64), **options)) for spec in specs], ExecutionConfig())
    good = [profile for profile in profiles if isinstance(profile, Profile)]
    (result,) = compare(good).pairs
    return result


def name_and_line(result: Pair, cause: Cause) -> tuple[str, int | None]:
    """The changed thing and its line after the change."""
    if cause.difference is not None:
        difference = result.differences[cause.difference]
        return difference.name, difference.after_line
    assert cause.change is not None
    change = result.changes[cause.change]
    return ("row", change.after.line if change.after else None)


def check(result: Pair, name: str, line: int | None) -> None:
    """All that is explained comes of one thing, and of nothing else."""
    for why in result.explanations:
        assert [name_and_line(result, cause) for cause in why.causes] == [(name, line)]
        assert why.causes[0].exclusive == why.difference - why.outside
        assert (why.shared, why.outside) == (0, 0)


KEYS = st.one_of(
    st.sampled_from(["nn.ReLU()", "nn.Hardswish()", "nn.PReLU()", "nn.Identity()"]).map(
        lambda name: ("activation", f"activation: {name}")
    ),
    st.sampled_from([4, 8, 24]).map(lambda number: ("reg_max", f"reg_max: {number}")),
    st.just(("end2end", "end2end: true")),
    st.sampled_from([0.5, 1.0]).map(lambda number: ("about", "about: the same")),
)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(KEYS)
def test_a_top_level_key(tmp_path: Path, key: tuple[str, str]) -> None:
    name, line = key
    forward, back = pair(tmp_path, text(ROWS), text(ROWS, keys=line)), pair(tmp_path, text(ROWS, keys=line), text(ROWS))
    # nc, scales, its scale, backbone and the rows stand before it.
    check(forward, name, 4 + len(ROWS) + 1)
    check(back, name, None)
    assert [(entry.name, entry.before) for entry in forward.differences] == (
        [] if name == "about" else [(name, "none")]
    )
    assert bool(forward.explanations) == (name != "about")


@SLOW
@given(st.integers(1, 99).filter(lambda number: number != 5))
def test_the_number_of_classes(tmp_path: Path, nc: int) -> None:
    check(pair(tmp_path, text(ROWS), text(ROWS, nc=nc)), "nc", NC)


@SLOW
@given(st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([64, 128, 1024]))
def test_a_scale(tmp_path: Path, depth: float, width: float, channels: int) -> None:
    result = pair(tmp_path, text(ROWS), text(ROWS, scale=f"[{depth}, {width}, {channels}]"))
    check(result, "scales.n", SCALE)


CHANGED_ROWS = st.one_of(
    st.tuples(st.sampled_from([0, 1, 3, 5]), st.sampled_from([1, 5])).map(
        lambda example: (example[0], ROWS[example[0]].replace(", 3, 2]", f", {example[1]}, 2]"))
    ),
    st.sampled_from([0, 1, 3, 5]).map(lambda row: (row, ROWS[row].replace("3, 2]", "3, 1]"))),
    st.tuples(st.sampled_from([2, 6]), st.sampled_from([1, 8])).map(
        lambda example: (example[0], f"[-1, {example[1]}" + ROWS[example[0]][5:])
    ),
    st.sampled_from([(2, "C3k2"), (4, "C2f"), (4, "C3"), (6, "C3"), (6, "C3k2")]).map(
        lambda example: (
            example[0],
            ROWS[example[0]].replace("C3k2" if example[0] == 4 else "C2f", example[1]),
        )
    ),
)


@SLOW
@given(CHANGED_ROWS)
def test_a_row(tmp_path: Path, changed: tuple[int, str]) -> None:
    index, row = changed
    result = pair(tmp_path, text(ROWS), text([*ROWS[:index], row, *ROWS[index + 1 :]]))
    check(result, "row", ROW_0 + index)


@SLOW
@given(CHANGED_ROWS, st.sampled_from(["activation: nn.PReLU()", "reg_max: 8", "end2end: true"]), st.integers(6, 9))
def test_of_several_changes_everything_is_told_once(
    tmp_path: Path, changed: tuple[int, str], key: str, nc: int
) -> None:
    index, row = changed
    after = text([*ROWS[:index], row, *ROWS[index + 1 :]], keys=key, nc=nc)
    result = pair(tmp_path, text(ROWS), after)
    forward = {("row", ROW_0 + index), ("nc", NC), (key.partition(":")[0], 4 + len(ROWS) + 1)}
    for why in result.explanations:
        assert {name_and_line(result, cause) for cause in why.causes} <= forward
        assert sum(cause.exclusive for cause in why.causes) + why.shared + why.outside == why.difference


def test_the_last_block_that_gives_a_light_head(tmp_path: Path) -> None:
    # C3k2 is the only one that does. C2f in its place makes the head build full convolutions for its classes.
    after = [*ROWS[:4], ROWS[4].replace("C3k2", "C2f"), *ROWS[5:]]
    result = pair(tmp_path, text(ROWS), text(after))
    for why in result.explanations:
        (cause,) = why.causes
        assert name_and_line(result, cause) == ("row", ROW_0 + 4)
        assert [result.changes[head].part.module for head in cause.light_head] == ["Detect"]
        assert cause.downstream == getattr(result.changes[-1], why.metric)
    parameters = {why.metric: why for why in result.explanations}["parameters"].causes[0]
    # At half width the head reads c = 64 and 128 channels; its class branch has max(64, min(5, 100)) = 64 channels.
    # Full: Conv(c, 64, 3), Conv(64, 64, 3): 9·c·64 + 128 and 9·64·64 + 128 weights with BatchNorm.
    # Light: a depthwise 3×3 and a 1×1 twice: 9·c + 2·c + c·64 + 128, and 9·64 + 2·64 + 64·64 + 128.
    growth = sum(
        (9 * c * 64 + 128 + 9 * 64 * 64 + 128) - (9 * c + 2 * c + c * 64 + 128 + 9 * 64 + 2 * 64 + 64 * 64 + 128)
        for c in (64, 128)
    )
    assert parameters.downstream == growth
    with torch.device("meta"):
        from ultralytics.nn.modules import C2f, C3k2

        own = [
            sum(weight.numel() for weight in built.parameters()) for built in (C3k2(64, 64, 1, False), C2f(64, 64, 1))
        ]
    assert parameters.own == own[1] - own[0]


def test_another_block_that_gives_a_light_head_is_left(tmp_path: Path) -> None:
    outcomes = [*ROWS[:2], ROWS[2].replace("C2f", "C3k2"), *ROWS[3:]]
    entry = [*outcomes[:4], ROWS[4].replace("C3k2", "C2f"), *outcomes[5:]]
    for why in pair(tmp_path, text(outcomes), text(entry)).explanations:
        (cause,) = why.causes
        assert (cause.light_head, cause.downstream) == ([], 0)


def test_a_removed_row_has_its_line_in_the_file_that_has_it(tmp_path: Path) -> None:
    after = [*ROWS[:6], "[[4, 5], 1, Detect, [nc]]"]
    result = pair(tmp_path, text(ROWS), text(after))
    first = result.explanations[0].causes[0]
    assert first.change is not None
    removed = result.changes[first.change]
    assert (removed.mark, removed.before and removed.before.line, removed.after) == ("-", ROW_0 + 6, None)


def test_a_setting_of_the_command_line_stands_in_no_line(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(text(ROWS), encoding="utf-8")
    specs = [reference.resolve(str(tmp_path / "net.yaml"))]
    specs.append(specs[0].with_values({"nc": 7}))  # type: ignore[union-attr]
    profiles = profile_all([Request(spec, Options(size=(64, 64))) for spec in specs], ExecutionConfig())
    (result,) = compare([entry for entry in profiles if isinstance(entry, Profile)]).pairs
    assert [(entry.name, entry.before_line, entry.after_line) for entry in result.differences] == [("nc", NC, None)]
    check(result, "nc", None)


@pytest.mark.parametrize(("size", "name"), [((64, 96), "input"), ((64, 64), None)])
def test_another_input_is_named_and_no_row(tmp_path: Path, size: tuple[int, int], name: str | None) -> None:
    (tmp_path / "net.yaml").write_text(text(ROWS), encoding="utf-8")
    spec = reference.resolve(str(tmp_path / "net.yaml"))
    profiles = profile_all([Request(spec, Options(size=entry)) for entry in ((64, 64), size)], ExecutionConfig())
    (result,) = compare([entry for entry in profiles if isinstance(entry, Profile)]).pairs
    assert [name_and_line(result, cause)[0] for why in result.explanations for cause in why.causes] == [name] * bool(
        name
    )
