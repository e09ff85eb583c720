from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.budgets.cases import DEFAULT_METRICS, find
from archprof.budgets.read import read
from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Limits = dict[str, dict[str, str]]


@pytest.fixture
def limits(budgets: Callable[[str], Path]) -> Callable[..., Limits]:
    """The maxima that a budget file gives each case: by variant and settings, then by metric."""

    def limits_of(text: str, *expected: str) -> Limits:
        cases = find(read(budgets(text)), expected).cases
        return {
            " ".join(case.case_key): {rule.metric.name: rule.max.text for rule in case.rules if rule.max}
            for case in cases
        }

    return limits_of


def test_every_file_at_every_scale_and_size(limits: Callable[..., Limits]) -> None:
    text = '[[budgets]]\nvariants = "models/*.yaml"\nscales = "all"\nimgsz = [64, "32x64"]\nflops = {max = "1 G"}'
    assert list(limits(text)) == [
        f"models/{name}.yaml imgsz={size} scale={scale}" for name in "ab" for scale in "ns" for size in ("64", "32x64")
    ]


def test_two_stars_go_down_and_hidden_folders_are_left_out(folder: Path, limits: Callable[..., Limits]) -> None:
    hidden = folder / ".venv" / "x.yaml"
    hidden.parent.mkdir()
    hidden.write_text("nc: 1\n", encoding="utf-8")
    text = '[[budgets]]\nvariants = "**/*.yaml"\nflops = {max = "1 G"}'
    assert [index.split()[0] for index in limits(text)] == ["models/a.yaml", "models/b.yaml", "models/old/c.yaml"]


def test_of_each_metric_the_most_specific_entry_counts(limits: Callable[..., Limits]) -> None:
    text = """
[[budgets]]
variants = "models/b.yaml"
flops = {max = "2"}

[[budgets]]
variants = "models/*.yaml"
flops = {max = "1"}
parameters = {max = "10"}
"""
    assert limits(text) == {
        "models/b.yaml scale=n": {"parameters": "10", "flops": "2"},
        "models/a.yaml scale=n": {"parameters": "10", "flops": "1"},
    }


def test_an_entry_with_settings_is_about_the_cases_that_have_them(limits: Callable[..., Limits]) -> None:
    text = """
[[budgets]]
variants = "models/a.yaml"
scales = "all"
flops = {max = "1"}

[[budgets]]
variants = "models/a.yaml"
scales = ["s"]
flops = {max = "4"}

[[budgets]]
variants = "models/a.yaml"
imgsz = 320
flops = {max = "0.3"}
"""
    assert limits(text) == {
        "models/a.yaml scale=n": {"flops": "1"},
        "models/a.yaml scale=s": {"flops": "4"},
        "models/a.yaml imgsz=320 scale=n": {"flops": "0.3"},
    }


def test_equally_specific_entries_the_later_counts(limits: Callable[..., Limits]) -> None:
    text = """
[[budgets]]
variants = "models/a.yaml"
flops = {max = "1"}
[[budgets]]
variants = "models/a.yaml"
flops = {max = "2"}
"""
    assert limits(text) == {"models/a.yaml scale=n": {"flops": "2"}}


def test_what_is_off_is_not_even_read(folder: Path, limits: Callable[..., Limits]) -> None:
    (folder / "models" / "a.yaml").write_text("not a variant", encoding="utf-8")
    text = """
[[budgets]]
variants = "models/*.yaml"
flops = {max = "1"}
[[budgets]]
variants = "models/a.yaml"
level = "off"
"""
    assert limits(text) == {"models/b.yaml scale=n": {"flops": "1"}}


def test_a_metric_that_is_off_is_not_held(limits: Callable[..., Limits]) -> None:
    text = """
[[budgets]]
variants = "models/*.yaml"
flops = {max = "1"}
parameters = {max = "1"}
[[budgets]]
variants = "models/a.yaml"
flops = {level = "off"}
"""
    assert limits(text)["models/a.yaml scale=n"] == {"parameters": "1"}


def test_an_entry_without_metrics_holds_the_exact_ones(budgets: Callable[[str], Path]) -> None:
    (case,) = find(read(budgets('[[budgets]]\nvariants = "models/a.yaml"'))).cases
    assert {rule.metric.name for rule in case.rules} == set(DEFAULT_METRICS)
    assert all(rule.max_increase and rule.max_increase.value == 0 for rule in case.rules)


def test_what_cannot_be_read_is_a_case_with_its_error(folder: Path, budgets: Callable[[str], Path]) -> None:
    (folder / "models" / "a.yaml").write_text("backbone:\n  - [-1, 1]\n", encoding="utf-8")
    text = '[[budgets]]\nvariants = ["models/*.yaml", "models/none.yaml"]\nflops = {max = "1"}\n'
    broken, good, missing = find(read(budgets(text))).cases
    assert broken.error is not None
    assert (broken.error.line, good.error) == (2, None)
    assert missing.error is not None
    assert "model 'models/none.yaml' not found" in missing.error.message


def test_only_what_is_asked_for(folder: Path, budgets: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = budgets('[[budgets]]\nvariants = ["models/*.yaml", "timm:resnet18"]\nflops = {max = "1"}\n')
    file = read(path)
    monkeypatch.chdir(folder / "models")
    assert [case.variant for case in find(file, ["b.yaml", "timm:resnet18"]).cases] == [
        "models/b.yaml",
        "timm:resnet18",
    ]
    with pytest.raises(UsageError, match=r"has no budget for 'c.yaml'"):
        find(file, ["c.yaml"])


def test_patterns_that_match_nothing_are_told(budgets: Callable[[str], Path]) -> None:
    result = find(read(budgets('[[budgets]]\nvariants = ["models/*.yaml", "nets/*.yaml"]\nflops = {max = "1"}\n')))
    assert [pattern for _, pattern in result.unmatched] == ["nets/*.yaml"]


def test_equal_settings_are_one_place_in_the_lock(budgets: Callable[[str], Path]) -> None:
    text = '[[budgets]]\nvariants = "models/a.yaml"\nset = {{{}}}\nnc = 3\nfuse = true\n'
    indices = {
        find(read(budgets(text.format(order)))).cases[0].case_key
        for order in ("reg_max = 8, nc = 3", "nc = 3, reg_max = 8")
    }
    assert indices == {("models/a.yaml", "fuse=true nc=3 scale=n set={nc:3,reg_max:8}")}
