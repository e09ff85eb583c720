"""Several models measured against each other, as it is saved. Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - as in the profile, it is looked up
from typing import Any, Self

import msgspec

from archprof.errors import ArchprofError
from archprof.records.latency import Comparison  # noqa: TC001 - it is looked up to read a benchmark back
from archprof.records.profile import Profile, Tool
from archprof.records.record import Record
from archprof.records.schema import schema_of

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class Benchmark(Record, frozen=True, kw_only=True):
    """What ``bench`` measured.

    Attributes:
        version: The format's version.
        tool: What wrote it.
        seed: What the random order in the blocks was drawn with.
        profiles: One a model, in the order of the command line; its ``latency`` has one entry a device and backend.
        comparisons: How the models stand to the first of them, each at one device and backend.
        interrupted: Whether it was ended before everything was measured.
    """

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    seed: int = 0
    profiles: list[Profile]
    comparisons: list[Comparison] = msgspec.field(default_factory=list)
    interrupted: bool = False

    @property
    def headline(self) -> str:
        """What was measured."""
        return " and ".join(profile.variant.name for profile in self.profiles)

    @classmethod
    def from_json(cls, text: str | bytes, *, path: Path | str | None = None) -> Self:
        """Read a benchmark back.

        Raises:
            ArchprofError: Where the text is not a benchmark, or is one of another version.
        """
        try:
            raw = msgspec.json.decode(text)
            version = raw.get("version") if isinstance(raw, dict) else None
            if isinstance(version, int) and version != VERSION:
                older = "this archprof is older than the file" if version > VERSION else "the file is older"
                raise ArchprofError(f"benchmark version {version}, this archprof reads {VERSION}: {older}", path=path)
            return msgspec.convert(raw, cls)
        except msgspec.MsgspecError as error:
            raise ArchprofError(f"not a saved benchmark: {error}", path=path) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a saved benchmark (draft 2020-12)."""
    return schema_of(Benchmark, "archprof benchmark")
