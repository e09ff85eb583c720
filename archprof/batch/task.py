"""One thing to profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.options import Options
    from archprof.variant.spec import Spec


@dataclass(frozen=True, slots=True)
class Task:
    """What to profile, and how to build and run it."""

    spec: Spec
    options: Options
