"""The layers: which package may import which, as the table of docs/architecture.md has them."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = re.compile(r"^\| (?P<layer>\d+) \| (?P<packages>[^|]+) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def layers(checkout: Path) -> dict[str, int]:
    """Top-level module or package -> its layer, read from the documentation."""
    text = (checkout / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {
        name: int(row["layer"]) for row in ROW.finditer(text) for name in re.findall(r"`([\w.]+)`", row["packages"])
    }


@pytest.fixture(scope="module")
def imports(checkout: Path) -> list[tuple[str, str, str]]:
    """Every import of ours: where it stands, the top-level name of what imports, and of what is imported."""
    return [
        (f"{path.relative_to(checkout)}:{line}", _top(path.relative_to(checkout).with_suffix("").parts), _top(target))
        for package in ("archprof", "model_zoo")
        for path in sorted((checkout / package).rglob("*.py"))
        for line, target in _targets(path)
    ]


def _targets(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The modules that a file imports, those within functions and for types only included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = tuple(name.split("."))
            if parts[0] in ("archprof", "model_zoo"):
                yield node.lineno, parts


def _top(parts: tuple[str, ...]) -> str:
    """``archprof.trace.run`` -> ``trace``; the package itself is ``archprof``, the zoo ``model_zoo``."""
    if parts[0] == "model_zoo" or len(parts) < 2 or parts[1] == "__init__" or not find_spec(f"archprof.{parts[1]}"):
        return parts[0]  # a name of the package itself, as in `from archprof import register`
    return parts[1]


def test_every_module_has_a_layer(checkout: Path, layers: dict[str, int]) -> None:
    modules = {path.stem for path in (checkout / "archprof").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert modules - {"__pycache__"} - {"__init__", "__main__", "py"} == set(layers) - {"archprof", "model_zoo"}


def test_no_import_points_up(layers: dict[str, int], imports: list[tuple[str, str, str]]) -> None:
    wrong = [
        f"{where}: {importer} (layer {layers[importer]}) imports {imported} (layer {layers[imported]})"
        for where, importer, imported in imports
        if importer not in ("archprof", "__main__") and layers.get(imported, 99) > layers[importer]
    ]

    assert len(imports) > 1000
    assert wrong == []


def test_no_packages_import_each_other(imports: list[tuple[str, str, str]]) -> None:
    uses: dict[str, set[str]] = {}
    for _, importer, imported in imports:
        if importer != imported and importer != "archprof":
            uses.setdefault(importer, set()).add(imported)
    while leaves := [name for name, targets in uses.items() if not targets & uses.keys()]:
        for name in leaves:
            del uses[name]

    assert uses == {}
