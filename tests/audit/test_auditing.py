"""Real counters on real models: the exact count and its differences are what each of them said, to the operation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from archprof.audit.auditing import audit_spec, names
from archprof.builder.options import Options
from archprof.pipeline.counting import profile_spec
from archprof.sources import settings
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from archprof.records.audit import AuditResult, Opinion
    from archprof.sources.spec import Spec

DYNAMIC = "yolov13-DynamicConv"
ALWAYS_INSTALLED = ["thop-2.0", "thop", "fvcore"]
"""Counters whose every part is known, and which take little time."""


def spec(reference: str) -> Spec:
    return settings.apply(resolve(reference), {"nc": 6} if reference == DYNAMIC else {})


def opinion(audit: AuditResult, name: str) -> Opinion:
    (result,) = (answer for answer in audit.opinions if answer.counter == name)
    return result


def adds_up(audit: AuditResult, answer: Opinion) -> bool:
    return audit.macs + sum(difference.macs for difference in answer.differences) == answer.macs


def groups(answer: Opinion) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for difference in answer.differences:
        sums[difference.operation, difference.why] += difference.macs
    return dict(sums)


@pytest.fixture(scope="module")
def small() -> AuditResult:
    """Every counter on the disputed variant, on a small image."""
    return audit_spec(spec(DYNAMIC), Options(size=(64,)))


def test_every_counter_answers(small: AuditResult) -> None:
    assert [answer.counter for answer in small.opinions] == names()
    assert {answer.counter: answer.error for answer in small.opinions} == dict.fromkeys(names())
    assert all(answer.seconds is not None and answer.version for answer in small.opinions)


@pytest.mark.parametrize("name", names())
def test_the_explanation_adds_up_and_leaves_nothing_unexplained(name: str, small: AuditResult) -> None:
    answer = opinion(small, name)
    assert adds_up(small, answer)
    assert not [difference for difference in answer.differences if difference.kind == "unexplained"]


def test_each_difference_has_its_module_and_its_row(small: AuditResult) -> None:
    rows = {row.index: row for row in small.rows}
    for answer in small.opinions:
        for difference in answer.differences:
            assert difference.module is not None
            assert difference.type
            assert difference.row is not None
            assert difference.module.startswith(rows[difference.row].path)


def test_torch_agrees(small: AuditResult) -> None:
    assert opinion(small, "torch").macs == small.macs
    assert opinion(small, "torch").differences == []


@pytest.mark.parametrize("reference", ["yolo11n", "timm:resnet18"])
def test_it_adds_up_on_other_models(reference: str) -> None:
    audit = audit_spec(spec(reference), Options(size=(64,)), counters=ALWAYS_INSTALLED)
    for answer in audit.opinions:
        assert answer.error is None
        assert adds_up(audit, answer)


@pytest.mark.full
@pytest.mark.parametrize(
    ("reference", "size"),
    [
        ("yolo11n", (96, 64)),
        ("yolo12n", (64,)),
        ("yolov8n-pose", (64,)),
        ("yolo26n", (64,)),
        ("rtdetr-l", (320,)),
        ("timm:convnext_atto", None),
        ("timm:vit_tiny_patch16_224", None),
        ("timm:swin_tiny_patch4_window7_224", None),
        ("torchvision:mobilenet_v3_small", (100, 130)),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_it_adds_up_for_every_counter(reference: str, size: tuple[int, ...] | None, batch: int) -> None:
    audit = audit_spec(spec(reference), Options(size=size, batch=batch))
    for answer in audit.opinions:
        assert answer.macs is None or adds_up(audit, answer)
        assert answer.macs is not None or answer.error
    assert not any(opinion(audit, name).error for name in ("thop", "fvcore", "torch"))


def test_where_6_2_and_8_1_come_from() -> None:
    audit = audit_spec(spec(DYNAMIC), Options(), counters=["thop-2.0"])
    answer = opinion(audit, "thop-2.0")
    assert f"{2 * audit.macs / 1e9:.1f}" == "8.1"
    assert f"{answer.value:.1f}" == "6.2"
    assert adds_up(audit, answer)
    result = groups(answer)
    # Row 5 is a dynamic convolution of 128 -> 128 channels, 3×3 and stride 2, on 80×80: 40·40·128·128·9. It alone
    # is 0.47 GFLOPs that were printed as nothing.
    (row_5,) = (
        difference
        for difference in answer.differences
        if difference.row == 5 and difference.operation == "aten.convolution"
    )
    assert (row_5.kind, row_5.macs) == ("missed", -40 * 40 * 128 * 128 * 9)
    # A router, 128 -> 4 experts, runs once, and counts (640/32)² times.
    (router,) = (difference for difference in answer.differences if difference.row == 5 and difference.type == "Linear")
    assert (router.kind, router.why, router.macs) == ("added", "extrapolated from 32×32", 399 * 128 * 4)
    assert result["BatchNorm2d", "counted as MACs"] > 0
    assert result["aten.bmm", "not seen"] < 0


def test_what_is_replayed_is_what_summary_says_was_printed() -> None:
    options = Options(size=(64,))
    audit = audit_spec(spec(DYNAMIC), options, counters=["thop-2.0"])
    profile = profile_spec(spec(DYNAMIC), options)
    assert opinion(audit, "thop-2.0").value == profile.reported["thop-2.0"].gflops
    assert audit.macs == profile.totals.macs


def test_an_area_that_is_no_multiple_adds_up_too() -> None:
    # 100·130 over 32·32 is no integer.
    audit = audit_spec(spec("torchvision:mobilenet_v3_small"), Options(size=(100, 130)), counters=["thop-2.0"])
    assert adds_up(audit, opinion(audit, "thop-2.0"))


def test_one_image_of_a_batch() -> None:
    audit = audit_spec(
        spec("timm:resnet18"), Options(size=(64,), batch=2), counters=["thop-2.0", "ultralytics", "thop"]
    )
    for answer in audit.opinions:
        assert adds_up(audit, answer)
    for name in ("thop-2.0", "ultralytics"):
        result = groups(opinion(audit, name))
        rest = sum(macs for (_, why), macs in result.items() if why == "in the other images of the batch")
        assert rest == -audit.macs // 2
    assert "in the other images of the batch" not in {why for _, why in groups(opinion(audit, "thop"))}


def test_a_model_that_takes_no_image_has_no_figure_of_2024() -> None:
    audit = audit_spec(spec("timm:vit_tiny_patch16_224"), Options(), counters=["thop-2.0"])
    # Its first parameter is the class token, whose second dimension Ultralytics takes for the image's channels.
    (answer,) = audit.opinions
    assert answer.value is None
    assert answer.error is not None
