"""Several models measured against each other, as it is saved. Nothing here needs torch."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from archprof.records.failure import Failure  # noqa: TC001
from archprof.records.latency import Comparison  # noqa: TC001 - it is looked up to read a benchmark back
from archprof.records.profile import Profile, Tool
from archprof.records.record import SavedRecord
from archprof.records.schema import schema_of

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""


class Benchmark(SavedRecord, frozen=True, kw_only=True):
    """What ``bench`` measured.

    Attributes:
        version: The format's version.
        tool: What wrote it.
        seed: What the random order in the blocks was drawn with.
        profiles: One a model, in the order of the command line; its ``latency`` has one entry a device and backend.
        comparisons: How the models stand to the first of them, each at one device and backend.
        interrupted: Whether it was ended before everything was measured.
        failures: Models that were named too, and could not be counted.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    seed: int = 0
    profiles: list[Profile]
    comparisons: list[Comparison] = msgspec.field(default_factory=list)
    interrupted: bool = False
    failures: list[Failure] = msgspec.field(default_factory=list)

    @property
    def headline(self) -> str:
        """What was measured."""
        return " and ".join(profile.variant.name for profile in self.profiles)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a saved benchmark (draft 2020-12)."""
    return schema_of(Benchmark, "archprof benchmark")
