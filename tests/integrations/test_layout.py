"""The test of a module is found by its name: the folders of the tests are those of what they test."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TESTS = CHECKOUT / "tests"
FILES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))

# What is larger than a module has a folder for its kind; CONTRIBUTING.md says what is in each.
KINDS = {"benchmarks", "cli", "docs", "fuzz", "integrations", "model_zoo"}

# Named for what several modules do together, before there was a rule.
OLD_NAMES = {
    "builder/test_ultralytics.py",
    "count/conventions/test_exact.py",
    "count/conventions/test_tracer_tools.py",
    "count/test_count.py",
    "count/test_coverage_of_models.py",
    "count/test_fused.py",
    "count/test_operations.py",
    "counters/test_counters.py",
    "render/test_reports.py",
    "trace/meta_kernels/test_against_torch.py",
    "trace/meta_kernels/test_generated.py",
    "trace/meta_kernels/test_shapes.py",
    "trace/test_refusals.py",
    "trace/test_models.py",
}


def modules(folder: Path) -> set[str]:
    """The modules and packages that tests in a folder may be named after: those of the package, or of `tools/`."""
    paths = (path for root in ("archprof", "") for path in (CHECKOUT / root / folder).glob("*"))
    return {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}


def is_named_after(name: str, module: str) -> bool:
    """Whether ``test_NAME.py`` is about a module: its name, or its name and which part or aspect of it."""
    return name == module or name.startswith(f"{module}_")


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.parts[0] not in KINDS and file.as_posix() not in OLD_NAMES], ids=str
)
def test_a_test_is_named_after_a_module(file: Path) -> None:
    name = file.stem.removeprefix("test_")

    assert any(is_named_after(name, module) for module in modules(file.parent))


def test_every_kind_of_test_is_described() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert {file.parts[0] for file in FILES if len(file.parts) > 1} >= KINDS
    assert [kind for kind in KINDS if f"| `tests/{kind}` |" not in text] == []
