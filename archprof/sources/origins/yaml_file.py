"""A YAML file of the user's, with or without its extension."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archprof.sources import misread
from archprof.sources.files import SUFFIXES, is_file
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.yaml_file import load_for

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec


class YamlFile(Origin):
    """``models/mine.yaml``."""

    order = 30
    form = "a YAML file"
    suffixes = SUFFIXES

    def find(self, query: Query) -> Spec | None:
        """The file of that name, else the one that has an extension besides."""
        if query.text.endswith(".py"):
            return None
        typed = Path(query.text)
        if is_file(typed) and typed.suffix not in SUFFIXES and (error := misread.explain(query.text)):
            raise error
        for path in (typed, *(typed.with_name(typed.name + suffix) for suffix in SUFFIXES if typed.name)):
            if is_file(path):
                return load_for(query, path)
        return None


ORIGINS.register("yaml_file", YamlFile())
