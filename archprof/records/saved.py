"""Any result that a command saved, read back: which kind it is, its keys say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archprof.errors import ArchprofError
from archprof.records.audit import AuditResult
from archprof.records.benchmark import Benchmark
from archprof.records.check_result import CheckResult
from archprof.records.claim_result import ClaimResult
from archprof.records.comparison import Comparison
from archprof.records.dynamic_report import DynamicReport
from archprof.records.expert_curve import ExpertCurve
from archprof.records.failure import Failure
from archprof.records.json_text import mistake
from archprof.records.profile import Profile
from archprof.records.suggestion import Suggestion
from archprof.records.sweep import Sweep
from archprof.records.variation import Variation
from archprof.records.what_if_report import WhatIfReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.records.record import SavedRecord

KINDS: Mapping[str, type[SavedRecord]] = {
    "holds": ClaimResult,
    "totals": Profile,
    "profiles": Benchmark,
    "opinions": AuditResult,
    "pairs": Comparison,
    "curve": ExpertCurve,
    "static_prediction": DynamicReport,
    "axes": Sweep,
    "placement": Suggestion,
    "base_channels": Variation,
    "cases": CheckResult,
    "what_if": WhatIfReport,
}
"""A key at the top of each kind of result that none below it has."""

HINT = (
    "pages and figures are made of what `summary`, `bench`, `audit`, `compare`, `check`, `claims`, `sweep`, `suggest` "
    "and `parameternet` save with -o FILE.json; every command writes a page of its own result with --html FILE"
)


def read(path: Path) -> list[Any]:
    """The results in a file, one or several; a model that failed is a :class:`Failure` in it.

    Raises:
        ArchprofError: Where the file is not there, is no JSON, is no result, or one of another version.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ArchprofError(f"cannot be read: {error.strerror or error}", path=path) from None
    try:
        data = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message, line = mistake(text, error)
        raise ArchprofError(f"no JSON: {message}", path=path, line=line) from None
    return [_record(entry, path) for entry in (data if isinstance(data, list) else [data])]


def _record(data: Any, path: Path) -> Any:
    keys = data if isinstance(data, dict) else {}
    for key, kind in KINDS.items():
        if key in keys:
            return kind.from_dict(data, path=path)
    if {"reference", "error"} <= set(keys):
        return msgspec.convert(data, Failure)
    what = "a lock file, which holds totals alone" if "variants" in keys else "no result that can be drawn"
    raise ArchprofError(f"is {what}", path=path, hint=HINT)
