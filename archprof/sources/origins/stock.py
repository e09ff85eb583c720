"""A model YAML of the installed Ultralytics, found without importing it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from archprof.sources.files import bare_name, package_folder
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.spec import STOCK
from archprof.sources.yaml_file import load_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec


class Stock(Origin):
    """``yolo11n-seg``."""

    order = 70
    form = "a model of Ultralytics, as yolo11n"

    def find(self, query: Query) -> Spec | None:
        """The file of that name among Ultralytics' own."""
        path = stock().get(bare_name(query.text) or "")
        return load_for(query, path, family=STOCK) if path else None

    def names(self, folder: Path) -> Mapping[str, str]:
        """Every file's."""
        return {name: name for name in stock()}


@cache
def stock() -> Mapping[str, Path]:
    """The model YAMLs of the installed Ultralytics, by name."""
    folder = package_folder("ultralytics")
    files = sorted(folder.glob("cfg/models/**/*.yaml"), key=lambda file: (file.parent, file.stem)) if folder else []
    return {file.stem: file for file in files}


ORIGINS.register("stock", Stock())
