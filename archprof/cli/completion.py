"""What a shell offers when Tab is pressed: references, their scales and blocks, read from files, without torch."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("timm", "torchvision")
"""Origins whose names are many, and are offered once the origin is typed."""

_LISTS_OF_BLOCKS = {"": "ultralytics.nn.modules", "nn.": "torch.nn.modules"}
"""What stands before a block's name in a YAML, and the package whose ``__all__`` has the names."""


def references(ctx: Any, incomplete: str) -> list[str]:
    """References that begin so. A shell that breaks words at colons, as bash does, gets what follows the colon."""
    from archprof.sources.origins import ORIGINS

    # What a shell that breaks words at colons has left of "timm:vit": "timm", ":" and "vit".
    words = [*(ctx.params.get("references") or ()), incomplete]
    before, colon, text = incomplete.rpartition(":")
    if len(words) > 2 and words[-2] == ":":
        origin = words[-3]
    elif incomplete == ":" and len(words) > 1:
        origin = words[-2]
    elif colon:
        origin = before
    else:
        return _without_prefix(incomplete)
    if origin not in PACKAGES:
        return []
    return [f"{before}{colon}{name}" for name in ORIGINS[origin].names(Path()) if name.startswith(text)]


def _without_prefix(incomplete: str) -> list[str]:
    """Files of the folder that is typed, the zoo's and Ultralytics' names, and the origins that go on with a colon."""
    from archprof.sources.origins import ORIGINS

    folder = Path(incomplete).parent if "/" in incomplete else Path()
    names = [
        reference
        for key, origin in ORIGINS.items()
        if key not in PACKAGES
        for reference in origin.names(folder).values()
    ]
    names += [f"{origin}:" for origin in PACKAGES]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def scales(ctx: Any, incomplete: str) -> list[str]:
    """The scales of the models that stand on the line already."""
    from archprof.sources.reference import resolve

    names: list[str] = []
    for reference in (*(ctx.params.get("references") or ()), *ctx.args):
        try:
            names += resolve(reference).scales
        except ArchprofError:
            continue
    return [name for name in dict.fromkeys([*names, *(["all"] if names else [])]) if name.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """What ``archprof list`` lists."""
    from archprof.listing import LISTINGS

    return [name for name in LISTINGS if name.startswith(incomplete)]


def blocks(incomplete: str) -> list[str]:
    """Blocks of Ultralytics, of torch and of the installed families."""
    return sorted(name for name in {*_listed(), *_registered()} if name.startswith(incomplete))


def _listed() -> Iterator[str]:
    for prefix, package in _LISTS_OF_BLOCKS.items():
        for file in _files(package, "__init__.py"):
            for node in _tree(file).body:
                if isinstance(node, ast.Assign) and any(_names(target, "__all__") for target in node.targets):
                    yield from (f"{prefix}{name}" for name in ast.literal_eval(node.value))


def _registered() -> Iterator[str]:
    """What the files of families register under a name that stands in them."""
    from archprof.sources import families

    for family in families.families().values():
        for file in _files(family.package, "*.py"):
            for node in ast.walk(_tree(file)):
                if isinstance(node, ast.Call) and _names(node.func, "register") and node.args:
                    name = node.args[0]
                    if isinstance(name, ast.Constant) and isinstance(name.value, str):
                        yield name.value


def _files(package: str, pattern: str) -> list[Path]:
    """The files of a package, which is not imported (only the packages round it would be)."""
    top, *rest = package.split(".")
    spec = find_spec(top)
    folders = spec.submodule_search_locations if spec else None
    return sorted(Path(next(iter(folders)), *rest).glob(pattern)) if folders else []


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
