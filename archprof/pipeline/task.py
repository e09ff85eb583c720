"""One thing to profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from archprof.builder.options import Options
    from archprof.sources.spec import Spec


class Task(msgspec.Struct, frozen=True):
    """What to profile, and how to build and run it."""

    spec: Spec
    options: Options
