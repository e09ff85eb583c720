from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

BUDGETS = '[[budgets]]\nvariants = "tiny.yaml"\nimgsz = 64\nparameters = { max = "52 K" }\n'

TESTS = """
import sys

def test_nothing_is_imported_before_it_is_used(archprof):
    assert "torch" not in sys.modules
    assert "archprof.api" not in sys.modules

def test_the_budget_file(archprof):
    archprof.check()

def test_one_variant(archprof):
    check = archprof.within("tiny.yaml", imgsz=64, parameters="51,218", flops={"min": "24 M", "max": "24.3 MFLOPs"})
    assert [one.state for one in check.cases[0].results] == ["ok", "ok", "ok"]

def test_one_variant_that_is_too_dear(archprof):
    archprof.within("tiny.yaml", imgsz=64, flops="24.2 MFLOPs", message="Ask first.")

def test_a_model_in_code(archprof):
    import torch
    # 3·8 weights and 8 biases; 24 MACs are 48 FLOPs.
    profile = archprof.profile(torch.nn.Linear(3, 8), torch.empty(1, 3))
    archprof.within(profile, parameters=32, flops=48)
    archprof.within(profile, parameters=31)

def test_a_mistake(archprof):
    archprof.within("tiny.yaml", flop=1)
"""


def test_the_fixture(pytester: pytest.Pytester, tiny: str) -> None:
    pytester.makefile(".yaml", tiny=tiny)
    pytester.makefile(".toml", archprof=BUDGETS)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(
        [
            "tiny.yaml · imgsz 64 · flops   OVER BUDGET",
            "  expected    at most 24.2 MFLOPs",
            "  actual      24.22 MFLOPs (24,220,672)",
            "  message     Ask first.",
            "  to accept   change flops.max in this call",
            "Linear · parameters   OVER BUDGET",
            "  expected    at most 31",
            "  actual      32",
            "*BudgetFileError: within.flop: unknown key",
        ]
    )
