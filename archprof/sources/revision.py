"""A YAML as it was at a git revision: ``HEAD~3:models/my.yaml``. Nothing is checked out and nothing is written."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.errors import UnknownReferenceError, VariantError, did_you_mean, nearest
from archprof.sources.files import SUFFIXES
from archprof.sources.yaml_text import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

# No lock is taken, and a partial clone does not go to the network for what it lacks.
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Revision:
    """A file of the repository that the working folder is in, at a revision.

    As git has it, ``path`` goes by the top of the repository, or by the working folder where it begins with ``./``
    or ``../``.
    """

    name: str
    path: str

    def __str__(self) -> str:
        return f"{self.name}:{self.path}"

    @property
    def file(self) -> str:
        """The file's name without its folder."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Its folder with the last slash, or nothing."""
        return self.path.removesuffix(self.file)

    def read(self, names: Sequence[str], *, limit: int = MAX_BYTES) -> tuple[str, bytes]:
        """The first file of those names that is in the folder: its name, and what it says.

        Args:
            names: The names.
            limit: Bytes that the file may have; by default as many as a variant.

        Raises:
            UnknownReferenceError: Where there is no repository, no such revision or no such file.
            VariantError: Where the file is larger.
        """
        tree, *files = _objects(f"{self.name}^{{tree}}", *(f"{self.name}:{self.folder}{name}" for name in names))
        if tree is None:
            raise _no_revision(self.name)
        for name, file in zip(names, files, strict=True):
            if file and file[1] == "blob":
                if file[2] > limit:
                    raise VariantError(f"larger than {limit:,} bytes", path=f"{self.name}:{self.folder}{name}")
                return name, _git("cat-file", "blob", file[0])
        raise UnknownReferenceError(f"no file {self.path!r} in git revision {self.name!r}", hint=self._near())

    def _near(self) -> str | None:
        """What of the same folder may have been meant, or where paths begin."""
        (folder,) = _objects(f"{self.name}:{self.folder}")
        if folder is None or folder[1] != "tree":
            return f"paths begin at the repository's top; {self.name}:./{self.path} begins in this folder"
        names = _git("ls-tree", "--full-tree", "--name-only", "-z", folder[0]).decode(errors="replace").split("\0")
        near = [f"{self.name}:{self.folder}{name}" for name in nearest(self.file, names)]
        if near:
            return f"did you mean {' or '.join(near)}?"
        return "paths begin at the repository's top, or with ./ in this folder"


def parse(text: str, suffixes: tuple[str, ...] = SUFFIXES) -> Revision | None:
    """``REV:PATH`` of a YAML, or of a file with another suffix; None where the text has another form."""
    name, colon, path = text.partition(":")
    if not (name and colon and path.endswith(suffixes)) or "\n" in text:
        return None
    return Revision(name, path)


def require(name: str) -> None:
    """See to it that there is a revision of that name.

    Raises:
        UnknownReferenceError: Where there is none, or no repository.
    """
    if _objects(f"{name}^{{tree}}") == [None]:
        raise _no_revision(name)


def _no_revision(revision: str) -> UnknownReferenceError:
    known = ["HEAD", *_git("for-each-ref", "--format=%(refname:short)").decode().split()]
    name = re.split(r"[~^@]", revision)[0]
    hint = None if name in known else did_you_mean(name, known)
    if hint is None and _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        hint = "this clone is shallow: `git fetch --unshallow`, or fetch-depth: 0 in actions/checkout, fetches the rest"
    elif hint is None and name != revision and name in known:
        hint = f"{name} does not go back that far"
    hint = hint or f"revisions: {', '.join(known[:8])}"
    return UnknownReferenceError(f"no git revision {revision!r}", hint=hint)


def _objects(*names: str) -> list[tuple[str, str, int] | None]:
    """The id, type and size of each object, or None where git knows none of that name."""
    # Names go in on standard input, where none of them can be taken for an option.
    lines = _git("cat-file", "--batch-check", stdin="\n".join(names) + "\n").decode().splitlines()
    parts = [line.split() for line in lines]
    return [(part[0], part[1], int(part[2])) if len(part) == 3 and part[2].isdecimal() else None for part in parts]


def _git(*arguments: str, stdin: str = "") -> bytes:
    """What git prints.

    Raises:
        UnknownReferenceError: Where it is not there, or fails, as it does outside a repository.
    """
    try:
        run = subprocess.run(
            ["git", *arguments],
            input=stdin.encode(),
            capture_output=True,
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError:
        raise UnknownReferenceError("a git revision was named, and git is not installed") from None
    if run.returncode:
        first, *_ = run.stderr.decode(errors="replace").splitlines() or [f"exit code {run.returncode}"]
        raise UnknownReferenceError(f"git: {first.removeprefix('fatal: ')}")
    return run.stdout
