"""Every option that takes a metric takes each of its names, whatever the letters' case, and means the same by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from archprof.compare.condition import parse as parse_change
from archprof.compare.pareto import axis
from archprof.errors import UsageError
from archprof.records.metrics import BY_NAME, NAMED, find_metric
from archprof.render.columns import parse_columns
from archprof.render.figures.pareto import parse_limits
from archprof.suggest.additive import LIMITED, find_additive, parse_budget
from archprof.sweep.conditions import parse as parse_where

if TYPE_CHECKING:
    from archprof.records.profile import Profile

NAMES = [spelling for name in BY_NAME for spelling in (name, name.upper())]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_in_each_option(name: str) -> None:
    metric = BY_NAME[name.lower()]
    assert find_metric(name) is metric
    assert parse_columns(f"model,{name}") == ("model", metric.name)  # --columns
    assert axis(name)[0] is axis(f"{name}:max")[0] is metric  # --x and --y
    assert [*parse_limits([f"{name}=5"])] == [metric.name]  # --limit
    assert parse_where(f"{name} < 5", ["imgsz"]).name == metric.name  # --where
    assert parse_change(f"{name} > 5 %").metric is metric  # --fail-on


@pytest.mark.parametrize("name", NAMES)
def test_each_name_in_the_options_of_suggest(name: str) -> None:
    metric = BY_NAME[name.lower()]
    if metric.name in LIMITED:
        assert find_additive(name, LIMITED) is metric  # --goal
        assert parse_budget(f"{name}=5", "max", LIMITED).metric is metric
    else:  # what other tools print, and operations without a formula
        with pytest.raises(UsageError, match=f"variants are not chosen by {name}"):
            find_additive(name, LIMITED)


def test_the_only_latency_is_a_metric_too() -> None:
    assert find_metric("Latency").name == "latency"
    assert parse_columns("LATENCY") == ("latency",)
    assert parse_where("latency < 5 ms", []).name == "latency"
    assert find_metric("LATENCY/cuda:0/eager").name == "latency/cuda:0/eager"


def test_traffic_is_what_is_read_and_written(profile: Profile) -> None:
    totals = msgspec.structs.replace(profile.totals, bytes_read=35, bytes_written=12)
    assert NAMED["bytes"].of(msgspec.structs.replace(profile, totals=totals)) == 47
