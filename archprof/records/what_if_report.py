"""A model with further convolutions made dynamic, as ``archprof parameternet --what-if`` saves it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from archprof.records.parameternet import WhatIf  # noqa: TC001 - it is looked up to read a report back
from archprof.records.profile import Input, Tool, Variant
from archprof.records.record import SavedRecord

VERSION = 1
"""The format's version. It changes when a reader of the old one would misread the new one."""


class WhatIfReport(SavedRecord, frozen=True, kw_only=True):
    """What ``archprof parameternet --what-if`` says of one model: the model, what went in, and the ranking."""

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    what_if: WhatIf
