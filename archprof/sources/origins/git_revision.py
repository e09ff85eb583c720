"""A YAML file as it was at a git revision."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import UnknownReferenceError
from archprof.sources import misread, revision, scale_in_name
from archprof.sources.files import GRAPHS, PROGRAMS, WEIGHTS
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.yaml_file import load_for

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec


class GitRevision(Origin):
    """``HEAD~3:models/mine.yaml``."""

    order = 40
    form = "REV:FILE.yaml"

    def find(self, query: Query) -> Spec | None:
        """The file of that name at that revision, else the one whose name has not the scale.

        Raises:
            UnknownReferenceError: Where there is no repository, no such revision or no such file, or it is no YAML.
        """
        if misread.url(query.text):
            return None
        binary = revision.parse(query.text, (*GRAPHS, *PROGRAMS, *WEIGHTS))
        if binary is not None and not binary.name.endswith(".py"):
            raise UnknownReferenceError(
                f"{query.text!r}: only a YAML is read at a git revision",
                hint=f"`git show {shlex.quote(query.text)} > before-{shlex.quote(binary.file)}`, and name that file",
            )
        file = revision.parse(query.text)
        if file is None:
            return None
        stem, _, suffix = file.file.rpartition(".")
        names = [file.file, *(f"{other}.{suffix}" for other in scale_in_name.without_scale(stem))]
        name, data = file.read(names)
        return load_for(
            replace(query, named_scale=scale_in_name.scale_of(stem)),
            Path(f"{file.name}:{file.folder}{name}"),
            name=name.rpartition(".")[0],
            data=data,
        )


ORIGINS.register("git_revision", GitRevision())
