from __future__ import annotations

import pytest

from archprof.errors import UsageError
from archprof.suggest.additive import find_additive, parse_budget, parse_budgets


@pytest.mark.parametrize(
    ("text", "kind", "base", "limit"),
    [
        ("weights=20MB", "max", 10_496_320, 20_000_000),
        ("flops=+0.1%", "max", 6_542_502_400, 6_549_044_902),  # 6,549,044,902.4: never more
        ("flops=+0.1%", "min", 6_542_502_400, 6_549_044_903),  # never less
        ("params=+1M", "max", 2_624_080, 3_624_080),
        ("bytes=-10%", "max", 1000, 900),
        ("traffic=-1 kB", "max", 5000, 4000),
        ("parameters=5,000,000", "max", 1, 5_000_000),
    ],
)
def test_limits(text: str, kind: str, base: int, limit: int) -> None:
    assert parse_budget(text, kind).limit(base) == limit  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("flops", "expected METRIC=AMOUNT", "--max flops=+0.1%"),
        ("=5", "expected METRIC=AMOUNT", "--max flops=+0.1%"),
        ("flop=1", "no metric 'flop'", "did you mean flops"),
        ("peak=1 MB", "peak does not add up over convolutions", "metrics that do: parameters"),
        ("latency=+3", "'+3' is not a valid amount of predicted latency", "5 ms"),
        ("flops=5%", "'5%' is not a valid amount of FLOPs", "relative to the model's own with a sign"),
        ("weights=5 GFLOPs", "'5 GFLOPs' is not a valid amount of weights", "18 MB"),
        ("bytes=+", "'+' is not a valid amount", "with a sign"),
    ],
)
def test_what_is_no_budget(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_budget(text, "max")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_two_limits_on_one_metric() -> None:
    assert len(parse_budgets(["flops=1G"], ["flops=1M"])) == 2
    with pytest.raises(UsageError, match="names weight_bytes twice"):
        parse_budgets(["weights=1MB", "weight_bytes=2MB"], [])


def test_aliases() -> None:
    assert find_additive("Params") is find_additive("parameters")
