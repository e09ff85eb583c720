"""A variant of an installed family: this project's zoo, and any other package's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.sources import families
from archprof.sources.files import bare_name
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.yaml_file import load_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec


class Zoo(Origin):
    """``yolov13-DynamicConv``."""

    order = 60
    form = "a name that `archprof zoo` lists"

    def find(self, query: Query) -> Spec | None:
        """The first family's variant of that name."""
        stem = bare_name(query.text)
        for family, name, path in families.variants():
            if name == stem:
                return load_for(query, path, family=family.name)
        return None

    def names(self, folder: Path) -> Mapping[str, str]:
        """Every variant's."""
        return {name: name for _, name, _ in families.variants()}


ORIGINS.register("zoo", Zoo())
