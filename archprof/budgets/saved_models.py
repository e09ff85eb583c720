"""Files that keep what models were, on the disk or at a git revision: saved profiles and lock files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.budgets import lock
from archprof.budgets.row_label import parse_rows
from archprof.budgets.settings import parse_settings, values_of
from archprof.builder.options import sides_of
from archprof.compare.model import Experiment, Fact, Model, conditions_of, of_profile
from archprof.errors import ArchprofError
from archprof.records.benchmark import Benchmark
from archprof.records.json_text import mistake
from archprof.records.metrics import LATENCY
from archprof.records.profile import Profile, Variant
from archprof.sources import revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.budgets.baseline import Baseline
    from archprof.budgets.lock import Lock, Locked
    from archprof.records.comparison import Part
    from archprof.records.metrics import Metric, Value

SUFFIX = ".json"
LIMIT = 1 << 28
"""Bytes that a file may have at a git revision; on the disk it is the user's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model in a file: what it is called there, its settings, and what is kept of it."""

    variant: str
    settings: Mapping[str, str]
    record: Profile | Locked
    experiment: Experiment | None = None

    @property
    def line(self) -> str:
        """What to type to mean just this one."""
        return " ".join([self.variant, *(f"{key}={text}" for key, text in self.settings.items())])

    def model(self, reference: str) -> Profile | Model:
        """What there is to compare.

        Args:
            reference: What somebody typed to mean it.
        """
        if isinstance(self.record, Profile):
            return of_profile(self.record, self.experiment) if self.experiment else self.record
        return _locked(self, self.record.baseline(), reference)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file, and which of its models is meant.

    Attributes:
        path: The file, as it was typed.
        fragment: The words that were typed behind a ``#``, to say which model; nothing where there was none.
        entries: All that are in it.
    """

    path: str
    fragment: str
    entries: tuple[Entry, ...]

    @property
    def locked(self) -> bool:
        """Whether it is a lock file."""
        return any(not isinstance(entry.record, Profile) for entry in self.entries)


def find(reference: str) -> SavedFile | None:
    """What a reference means, if it is ``FILE.json``, ``FILE.json#WHICH``, or one of these at a git revision.

    Raises:
        ArchprofError: Where there is no such file, or it is neither saved profiles nor a lock file.
    """
    path, name = reference, ""
    if not Path(reference).is_file():
        head, mark, tail = reference.partition(f"{SUFFIX}#")
        path, name = (head + SUFFIX, tail) if mark else (reference, "")
    if not path.endswith(SUFFIX):
        return None
    file_contents = contents(_bytes(path), path)
    if isinstance(file_contents, Benchmark):
        entries = _measured_together(file_contents)
    elif isinstance(file_contents, list):
        entries = [Entry(profile.variant.reference, _scale(profile.variant), profile) for profile in file_contents]
    else:
        entries = [
            Entry(variant, parse_settings(settings), entry_record)
            for (variant, settings), entry_record in file_contents.cases().items()
        ]
    return SavedFile(path, name, tuple(entries))


def _measured_together(benchmark: Benchmark) -> list[Entry]:
    """The models of a benchmark, which knows how they stand to each other."""
    name = hashlib.sha256(msgspec.json.encode(benchmark)).hexdigest()
    return [
        Entry(
            profile.variant.reference,
            _scale(profile.variant),
            profile,
            Experiment(name, index, benchmark.comparisons),
        )
        for index, profile in enumerate(benchmark.profiles)
    ]


def contents(text: bytes, path: Path | str) -> Lock | Benchmark | list[Profile]:
    """A lock file, a benchmark, or the profiles that were saved in one file, one or several.

    Args:
        text: What is in the file.
        path: The file, for messages.

    Raises:
        ArchprofError: Where it is neither.
    """
    try:
        data: Any = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message, line = mistake(text, error)
        what = "neither a saved profile, a benchmark nor a lock file"
        raise ArchprofError(f"{what}: {message}", path=path, line=line) from None
    if isinstance(data, dict) and "variants" in data:
        return lock.parse(text, path)
    if isinstance(data, dict) and "profiles" in data:
        return Benchmark.from_dict(data, path=path)
    entries = data if isinstance(data, list) else [data]
    failed = [isinstance(entry, dict) and "error" in entry and "totals" not in entry for entry in entries]
    return [Profile.from_dict(entry, path=path) for entry, none in zip(entries, failed, strict=True) if not none]


def _bytes(path: str) -> bytes:
    try:
        at = None if Path(path).is_file() else revision.parse(path, (SUFFIX,))
        return at.read([at.file], limit=LIMIT)[1] if at else Path(path).read_bytes()
    except OSError as error:
        raise ArchprofError(f"cannot be read: {error.strerror or error}", path=path) from None


def _scale(variant: Variant) -> dict[str, str]:
    return {} if variant.scale is None else {"scale": variant.scale}


def _locked(entry: Entry, baseline: Baseline, reference: str) -> Model:
    """A model as far as a lock file keeps it: totals, the latencies, and each row's parameters and FLOPs."""
    settings = values_of(entry.settings)
    changed = settings.get("set", {}) | ({"nc": settings["nc"]} if "nc" in settings else {})
    latencies = {
        f"{LATENCY}/{device_and_backend}": time.median_ns / 10**9 for device_and_backend, time in baseline.times.items()
    }

    def value(metric: Metric) -> Value | None:
        if metric.name == LATENCY and len(latencies) == 1:
            return next(iter(latencies.values()))
        return baseline.values.get(metric.name, latencies.get(metric.name))

    def conditions(metric: Metric) -> Mapping[str, str] | None:
        _, _, device_and_backend = metric.name.partition("/")
        times = list(baseline.times.values()) if metric.name == LATENCY else [baseline.times.get(device_and_backend)]
        return conditions_of(times[0]) if len(times) == 1 and times[0] else None

    return Model(
        variant=Variant(
            name=entry.variant,
            reference=reference,
            origin="lock",
            scale=settings.get("scale"),
            nc=settings.get("nc"),
            settings=changed,
            fused=settings.get("fuse", False),
            static=settings.get("static", False),
        ),
        facts=_facts(settings),
        top_level=baseline.top_level,
        of=value,
        latencies=list(latencies),
        conditions=conditions,
        rows=_rows(baseline),
        training=settings.get("backward", False),
        locked=" ".join(f"{key}={text}" for key, text in entry.settings.items()),
    )


def _rows(baseline: Baseline) -> list[Part]:
    figures: list[dict[str, Any]] = [{} for _ in baseline.labels]
    for metric, amounts in baseline.rows.items():
        for part, amount in zip(figures, amounts, strict=True):
            part[metric] = amount
    return [
        msgspec.structs.replace(part, path=f"model.{part.index}", light_head=role, **amounts_known)
        for part, role, amounts_known in zip(parse_rows(baseline.labels), baseline.light_head, figures, strict=True)
    ]


def _facts(settings: Mapping[str, Any]) -> dict[str, Fact]:
    """What the settings say; the size of the input where they do."""
    size = (
        {"size": Fact("×".join(map(str, sides_of(settings["imgsz"]))), comparable=False)} if "imgsz" in settings else {}
    )
    return size | {
        "batch": Fact(str(settings.get("batch", 1)), comparable=False),
        "dtype": Fact(settings.get("dtype", "float32"), comparable=False),
        "fusing": Fact("fused" if settings.get("fuse") else "not fused", comparable=False),
        "model": Fact("static equivalent" if settings.get("static") else "dynamic"),
        "pass": Fact("training step" if settings.get("backward") else "forward", comparable=False),
        "scale": Fact(settings.get("scale", "none")),
    }
