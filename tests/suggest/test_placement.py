"""Answers on real models: what is predicted is what is counted, and nothing is better."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline.counting import finish
from archprof.sources.reference import resolve
from archprof.suggest.additive import parse_budgets, totals
from archprof.suggest.deltas import count_with, measure_deltas
from archprof.suggest.placement import suggest
from archprof.suggest.problem import Problem, Question
from archprof.suggest.solver import solve

STACKED = f"{Path(__file__).parents[1] / 'parameternet' / 'layers.py'}:Stacked"
SMALL = Options(size=(64, 64))

TINY = """\
nc: 2
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, C2f, [16]]
head:
  - [-1, 1, Classify, [nc]]
"""


def question(*maxima: str, minima: tuple[str, ...] = (), experts: tuple[int, ...] = (2, 4), **more: object) -> Question:
    return Question(experts=experts, budgets=tuple(parse_budgets(maxima, minima)), **more)  # type: ignore[arg-type]


def test_changes_by_hand() -> None:
    table = measure_deltas(resolve(STACKED), Options(batch=2), [3])
    first, second = table.candidates

    # A kernel of 8·4·9 = 288 and 8 biases, twice more of each; the router 4·3 + 3.
    assert first.changes[3]["parameters"] == 2 * 296 + 15
    assert first.changes[3]["weight_bytes"] == 4 * 607
    # For each of 2 images: the router 4·3, the mixing 3 · (288 + 8).
    assert first.changes[3]["macs"] == 2 * (12 + 3 * 296)
    assert first.changes[3]["flops"] == 2 * first.changes[3]["macs"]
    # Made: mean 2·4, scores before and after the sigmoid 2·3 each, kernels 2·288, biases 2·8; of the plain one nothing.
    assert first.changes[3]["activation_bytes"] == 4 * (8 + 12 + 576 + 16)
    # It runs twice, and has its parameters once: 2·64 + 8·3 + 3; MACs twice for each of 2 images: 8·3 + 3·64.
    assert second.changes[3]["parameters"] == 155
    assert second.changes[3]["macs"] == 4 * 216


def test_the_answer_is_what_is_counted() -> None:
    asked = question("flops=+0.5%", "bytes=+10%", front="bytes")
    answer = suggest(resolve("yolo11n"), SMALL, asked)

    assert answer.predicted == answer.counted
    assert answer.counted["flops"] * 1000 <= answer.base["flops"] * 1005
    assert answer.counted["bytes"] * 10 <= answer.base["bytes"] * 11
    assert answer.counted["parameters"] <= answer.goal_bound <= answer.relaxation_bound
    assert answer.gap < 1e-3
    for other in (*answer.alternatives, *answer.heuristics):
        assert other.goal <= answer.goal_bound
    assert [point.goal for point in answer.front] == sorted(point.goal for point in answer.front)
    assert all(point.used <= point.limit for point in answer.front)
    # A parameter has four bytes.
    assert answer.counted["weight_bytes"] == 4 * answer.counted["parameters"]


@pytest.mark.parametrize("fuse", [False, True])
def test_a_folded_network(fuse: bool) -> None:
    answer = suggest(resolve("yolo11n"), Options(size=(64, 64), fuse=fuse), question("bytes=+5%", alternatives=0))

    assert answer.placement
    assert answer.variant.fused == fuse


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_is_built_is_better(seed: int, tmp_path: Path) -> None:
    """Every placement of a small network is built and counted."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    spec, generator = resolve(str(path)), random.Random(seed)
    limits = [f"{name}=+{generator.uniform(0, 60):.2f}%" for name in ("bytes", "flops")]
    answer = suggest(spec, SMALL, question(*limits, only=("model.0", "model.1"), experts=(4,), alternatives=0))
    paths = [*answer.experts] + [
        candidate.path for candidate in measure_deltas(spec, SMALL, [4], ["model.0", "model.1"]).candidates
    ]
    budgets = parse_budgets(limits, [])

    best = 0
    for choice in product([False, True], repeat=len(set(paths))):
        experts = {path: 4 for path, taken in zip(dict.fromkeys(paths), choice, strict=True) if taken}
        counted = totals(finish(count_with(spec, SMALL, experts), level="budgets"))
        if all(counted[budget.metric.name] <= budget.limit(answer.base[budget.metric.name]) for budget in budgets):
            best = max(best, counted["parameters"])

    assert answer.counted["parameters"] == best == answer.goal_bound


def test_the_least_cost_of_a_gain() -> None:
    answer = suggest(resolve("yolo11n"), SMALL, question(minima=("parameters=+50%",), goal="bytes", alternatives=0))

    assert answer.maximise is False
    assert answer.counted["parameters"] * 2 >= answer.base["parameters"] * 3
    assert answer.counted["bytes"] >= answer.goal_bound


@pytest.mark.parametrize(
    ("maxima", "minima", "message"),
    [
        (("weights=1MB",), (), r"--max weights=1MB: the nearest placement has 10.50 MB, 9.50 MB above the limit"),
        (
            ("flops=+0.001%",),
            ("parameters=+90%",),
            r"--max flops=\+0.001%: the nearest placement that meets the others",
        ),
        (("bytes=+1%",), ("parameters=9G",), r"--min parameters=9G: the nearest placement that meets the others has"),
    ],
)
def test_budgets_that_nothing_meets(maxima: tuple[str, ...], minima: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        suggest(resolve("yolo11n"), SMALL, question(*maxima, minima=minima))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (question(), "no budget"),
        (question("bytes=+1%", experts=(0,)), "--experts 0: a convolution takes 1 to 1024"),
        (question("bytes=+1%", experts=(4096,)), "--experts 4096: a convolution takes 1 to 1024"),
        (question("bytes=+1%", front="flops"), "--front flops: there is no --max flops"),
        (question("bytes=+1%", goal="flops"), "--goal flops: the unchanged model has the least"),
        (question("bytes=+1%", goal="peak"), "peak does not add up"),
        (question("bytes=+1%", only=("model.9x",)), "--only 'model.9x' matches none of the 87"),
        (question("bytes=+1%", never=("*",)), "no convolution is left"),
    ],
)
def test_questions_that_make_no_sense(asked: Question, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        suggest(resolve("yolo11n"), SMALL, asked)


def test_patterns() -> None:
    table = measure_deltas(resolve("yolo11n"), SMALL, [2], ["strided", "model.2"], ["head", "model.2.m.*"])
    paths = [candidate.path for candidate in table.candidates]

    assert paths == [
        *("model.0.conv", "model.1.conv", "model.2.cv1.conv", "model.2.cv2.conv", "model.3.conv", "model.5.conv"),
        *("model.7.conv", "model.17.conv", "model.20.conv"),
    ]


def test_what_folding_merges_is_left_out() -> None:
    table = measure_deltas(resolve("yolov10n"), SMALL, [2])
    excluded = {exclusion.module for exclusion in table.excluded}

    # The two kernels of RepVGGDW become one.
    assert {"model.22.m.0.cv1.2.conv.conv", "model.22.m.0.cv1.2.conv1.conv"} <= excluded


SHIPPED = ["yolov8n", "yolov10n", "yolo11n-seg", "yolo12n", "yolo26n", "yolov13-DynamicConv", "parameternet-600m"]


WITHOUT_CANDIDATES = [
    f"llama-1b{suffix}" for suffix in ("", *(f"-{on}-{m}e" for on in ("down", "gate", "up") for m in (4, 8)))
]
"""Variants that have no convolution."""


def stock() -> list[str]:
    """The YAMLs of the installed Ultralytics and of the zoo, by name."""
    from archprof.listing import find_items

    names = [item.name for kind in ("ultralytics", "zoo") for item in find_items(kind)[1]]
    return [name for name in dict.fromkeys(names) if name not in SHIPPED]


@pytest.mark.parametrize(
    "name", [*SHIPPED[:3], *(pytest.param(name, marks=pytest.mark.full) for name in SHIPPED[3:] + stock())]
)
def test_costs_add_up(name: str) -> None:
    """A random placement is predicted to the unit; so is the network with every candidate dynamic."""
    spec, options, generator = resolve(name), Options(), random.Random(name)
    try:
        table = measure_deltas(spec, options, [2, 4, 8])
    except UsageError:  # nothing of it can be made dynamic: a language model, or one whose convolutions are all merged
        assert name in WITHOUT_CANDIDATES
        return
    for share in (0.3, 1.0):
        experts = {item.path: generator.choice([2, 4, 8]) for item in table.candidates if generator.random() < share}
        expected = dict(table.totals)
        for item in table.candidates:
            for metric, amount in item.changes.get(experts.get(item.path, 0), {}).items():
                expected[metric] += amount
        assert totals(finish(count_with(spec, options, experts), level="budgets")) == expected


def test_a_model_may_be_solved_again_and_again() -> None:
    table = measure_deltas(resolve("yolo11n"), SMALL, [2, 4, 8])
    programme = Problem(table, question("bytes=+5%", experts=(2, 4, 8))).programme

    assert solve(programme) == solve(programme)


def test_ties_are_named() -> None:
    """Two convolutions that are alike: either is as good, and the budget allows one of them."""
    from archprof.render import View
    from archprof.render.suggestion import report

    asked = question("bytes=+0.15%", only=("model.8.m.0.m.0.cv1", "model.8.m.0.m.0.cv2"), experts=(2,))
    answer = suggest(resolve("yolo11n"), Options(), asked)

    assert len(answer.placement) == 1
    assert [other.goal for other in answer.alternatives][:1] == [answer.predicted["parameters"]]
    assert "1 other placement below is as good" in report(answer, View()).conclusions
