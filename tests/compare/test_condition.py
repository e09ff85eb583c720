from __future__ import annotations

from typing import Literal

import pytest

from archprof.compare.condition import CannotJudgeError, parse
from archprof.errors import UsageError
from archprof.records.comparison import Delta, Difference, Interval, Pair

SLOWER = Interval(low=1.04, high=1.08, confidence=0.99, verdict="slower")


def pair(*, bounds: tuple[Literal["after"], ...] = (), differences: tuple[Difference, ...] = ()) -> Pair:
    """FLOPs grew by 50 of 1,000, parameters fell by 1 of 100, and the latency is 4 to 8 % of 100 ms more."""
    return Pair(
        before=0,
        after=1,
        differences=list(differences),
        metrics=[
            Delta(
                metric="flops",
                unit="FLOPs",
                before=1000,
                after=1050,
                difference=50,
                ratio=1.05,
                lower_bounds=[*bounds],
            ),
            Delta(metric="parameters", unit="", before=100, after=99, difference=-1, ratio=0.99),
            Delta(metric="layers", unit="", before=7, after=7, difference=0, ratio=1),
            Delta(metric="fvcore", unit="MACs", before=5, after=None, difference=None, ratio=None),
            Delta(
                metric="latency/cpu/eager",
                unit="s",
                before=0.1,
                after=0.106,
                difference=0.006,
                ratio=1.06,
                interval=SLOWER,
            ),
            Delta(
                metric="latency/cpu/compile",
                unit="s",
                before=0.1,
                after=0.106,
                difference=0.006,
                ratio=1.06,
                note="measured separately; `archprof bench a b` measures them together",
            ),
        ],
        parts="none",
        changes=[],
        explanations=[],
    )


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("flops>0", True),
        ("flops > 49", True),
        ("flops > 50", False),
        ("flops >= 50", True),
        ("flops > 0.05 KFLOPs", False),
        ("flops > 4.9%", True),
        ("flops > 5 %", False),
        ("flops >= 5 %", True),
        ("flops < 0", False),
        ("parameters > 0", False),
        ("parameters < 0", True),
        ("parameters < -1", False),
        ("parameters <= -1", True),
        # Whatever does not save 2 % fails: 1 % was saved.
        ("parameters > -2 %", True),
        ("parameters > - 1 %", False),
        ("parameters != 0", True),
        ("layers != 0", False),
        ("layers == 0", True),
        # 4 to 8 % of 100 ms are 4 to 8 ms.
        ("latency/cpu/eager > 3 %", True),
        ("latency/cpu/eager > 5 %", False),
        ("latency/cpu/eager > 3.9 ms", True),
        ("latency/cpu/eager > 4.1 ms", False),
        ("latency/cpu/eager < 9 %", True),
    ],
)
def test_a_change_that_fails(text: str, fails: bool) -> None:
    assert parse(text).fails(pair()) == fails


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flops", "'flops' is not a metric, a sign and an amount"),
        ("flops > ", "is not a metric, a sign and an amount"),
        ("> 3", "is not a metric, a sign and an amount"),
        ("flops >> 3", "no metric 'flops >'|is not a metric"),
        ("flop > 3", "no metric 'flop'"),
        ("flops > 3 ms", "expected an amount such as 8.2 GFLOPs or 1.5 %; unknown unit 'ms'"),
        ("flops > much", "expected an amount"),
        ("latency == 3 ms", "latency is never quite the same"),
        ("latency > 3", "with its unit"),
    ],
)
def test_what_is_no_condition(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "models", "reason"),
    [
        ("fvcore > 0", pair(), "not both have fvcore"),
        ("torchprofile > 0", pair(), "not both have torchprofile"),
        ("latency/cpu/compile > 3 %", pair(), "measured separately; `archprof bench a b`"),
        ("latency > 3 %", pair(), "there are several: latency/cpu/eager, latency/cpu/compile"),
        ("flops > 99 %", pair(bounds=("after",)), "operations without a formula ran"),
        (
            "parameters > 99 %",
            pair(differences=(Difference(name="input", before="1", after="2", comparable=False),)),
            "not the same input",
        ),
    ],
)
def test_what_cannot_be_judged(text: str, models: Pair, reason: str) -> None:
    with pytest.raises(CannotJudgeError, match=reason):
        parse(text).fails(models)


@pytest.mark.parametrize("text", ["latency > 3 %", "latency/cpu/eager > 3 %"])
def test_latencies_of_other_backends_are_not_comparable(text: str) -> None:
    eager = Delta(metric="latency/cpu/eager", unit="s", before=0.1, after=None, difference=None, ratio=None)
    another_model = Delta(metric="latency/cpu/openvino", unit="s", before=None, after=0.1, difference=None, ratio=None)
    models = Pair(
        before=0, after=1, differences=[], metrics=[eager, another_model], parts="none", changes=[], explanations=[]
    )
    reason = (
        "not comparable: latency/cpu/eager and latency/cpu/openvino|not both have latency/cpu/eager; `archprof bench"
    )
    with pytest.raises(CannotJudgeError, match=reason):
        parse(text).fails(models)
