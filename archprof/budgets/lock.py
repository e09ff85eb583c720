"""The lock file: what each variant was, sorted, one value a line, raw integers, made to be read in a review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from archprof.budgets.baseline import Baseline
from archprof.budgets.latency_rules import Time  # noqa: TC001 - it is looked up to read a lock back
from archprof.errors import BudgetFileError
from archprof.records.json_text import mistake
from archprof.records.profile import TopLevelKey
from archprof.records.schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

CaseKey = tuple[str, str]
"""A case in the file: the variant, and the settings that it was built and run with."""

VERSION = 2
"""The format's version. It changes when a reader of the old one would misread the new one."""

LOCKED_ROWS = ("flops", "parameters")
"""The metrics of which every row's part is kept, so that a check can say which row grew."""


_CONFLICT = re.compile(
    rb"^<{7} .*\n((?:.*\n)*?)(?:\|{7} .*\n(?:.*\n)*?)?={7}\r?\n(?:.*\n)*?>{7} .*(?:\n|\Z)", re.MULTILINE
)
"""What git leaves where both sides of a merge changed the file; its group is the first side."""

Figure = Annotated[int, msgspec.Meta(ge=0)] | Annotated[float, msgspec.Meta(ge=0)]
"""What a case has of a metric: a count, or a ratio."""


class Locked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One case.

    ``values`` are by metric; ``rows`` are by metric too, then by the row: ``"05 Conv [64, 3, 2]"``. ``latency`` is by
    device and backend: ``"cpu/eager"``. ``top_level`` are the keys of the YAML beside its rows, with the scale that was
    used, and ``light_head`` says which rows give the light class branch to a detection head, or take it.
    """

    values: dict[str, Figure]
    rows: dict[str, dict[str, Annotated[int, msgspec.Meta(ge=0)]]] = msgspec.field(default_factory=dict)
    top_level: dict[str, Any] = msgspec.field(default_factory=dict)
    light_head: dict[str, Literal["gives", "takes"]] = msgspec.field(default_factory=dict)
    latency: dict[str, Time] = msgspec.field(default_factory=dict)

    def baseline(self) -> Baseline:
        """The same as something to compare with."""
        rows = {metric: _in_order(parts) for metric, parts in self.rows.items()}
        first = next(iter(rows.values()), {})
        return Baseline(
            values=self.values,
            labels=[label.partition(" ")[2] for label in first],
            rows={metric: list(parts.values()) for metric, parts in rows.items() if parts.keys() == first.keys()},
            light_head=[self.light_head.get(f"{index:02}") for index in range(len(first))],
            top_level={key: TopLevelKey(value=value) for key, value in self.top_level.items()},
            times=self.latency,
        )


class Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is locked: by variant, then by settings."""

    version: int = VERSION
    variants: dict[str, dict[str, Locked]] = msgspec.field(default_factory=dict)

    def find(self, key: CaseKey) -> Locked | None:
        """What is locked of a case."""
        variant, settings = key
        return self.variants.get(variant, {}).get(settings)

    def updated(self, current: Mapping[CaseKey, Locked], keep: Collection[str] | None) -> Lock:
        """The lock with what is so now.

        Args:
            current: What is so now.
            keep: The variants of which all stays that was locked, although it is not known now; all where None.
        """
        unchanged = {key: locked for key, locked in self.cases().items() if keep is None or key[0] in keep}
        variants: dict[str, dict[str, Locked]] = {}
        for (variant, settings), locked in {**unchanged, **current}.items():
            variants.setdefault(variant, {})[settings] = locked
        return Lock(variants=variants)

    def cases(self) -> dict[CaseKey, Locked]:
        """Every case that is locked."""
        return {(variant, key): locked for variant, cases in self.variants.items() for key, locked in cases.items()}

    def to_json(self) -> str:
        """The file's text: the same for the same figures, whatever order they came in."""
        import json  # not before there is something to write

        return json.dumps(msgspec.to_builtins(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path, *, rewritten: bool = False) -> Lock | None:
    """What a lock file holds; None where there is no such file.

    Args:
        path: The file.
        rewritten: Whether every case of it is about to be counted and written again. A merge conflict is then settled
            by the figures, and only what cannot be counted stays as the first side of the conflict has it.

    Raises:
        BudgetFileError: Where it cannot be read, is not a lock file, or is one of another version.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BudgetFileError(f"cannot be read: {error.strerror}", path=path) from None
    return parse(_CONFLICT.sub(rb"\1", text) if rewritten else text, path)


def parse(text: bytes, path: Path | str) -> Lock:
    """What a lock file's text says.

    Args:
        text: The text.
        path: Where it stands, for messages.

    Raises:
        BudgetFileError: Where it is not a lock file, or is one of another version.
    """
    if conflict := _CONFLICT.search(text):
        raise BudgetFileError(
            "has a merge conflict",
            path=path,
            line=_line_at(text, conflict.start()),
            hint="`archprof check --update-lock` settles it, when the models themselves are merged",
        )
    try:
        data: Any = msgspec.json.decode(text)
        version = data.get("version") if isinstance(data, dict) else None
        if isinstance(version, int) and version != VERSION:
            older = "this archprof is older than the file" if version > VERSION else "the file is older"
            raise BudgetFileError(f"lock version {version}, this archprof reads {VERSION}: {older}", path=path)
        return msgspec.convert(data, Lock)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message, line = mistake(text, error)
        hint = "`git checkout` restores the last good file; `archprof check --update-lock` writes a deleted one anew"
        raise BudgetFileError(f"not a lock file: {message}", path=path, line=line, hint=hint) from None


def _line_at(text: bytes, offset: int) -> int:
    return text.count(b"\n", 0, offset) + 1


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a lock file (draft 2020-12)."""
    return schema_of(Lock, "archprof lock")


def locked(baseline: Baseline, times: Mapping[str, Time], metrics: Collection[str]) -> Locked:
    """A case as the lock file holds it, with what it takes.

    Args:
        baseline: What is known of it.
        times: What it takes, by device and backend.
        metrics: The metrics that are kept.
    """
    return Locked(
        values={name: value for name, value in baseline.values.items() if name in metrics},
        rows={
            metric: {f"{index:02} {label}": baseline.rows[metric][index] for index, label in enumerate(baseline.labels)}
            for metric in LOCKED_ROWS
            if baseline.labels
        },
        top_level={key: entry.value for key, entry in baseline.top_level.items()} if baseline.labels else {},
        light_head={f"{index:02}": role for index, role in enumerate(baseline.light_head) if role},
        latency=dict(times),
    )


def difference(old: Lock, new: Lock) -> str:
    """What became of the cases, in a few words: ``2 changed, 1 added``."""
    before, after = old.cases(), new.cases()
    numbers = {
        "changed": sum(before[key] != after[key] for key in before.keys() & after.keys()),
        "added": len(after.keys() - before.keys()),
        "removed": len(before.keys() - after.keys()),
    }
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number) or "nothing changed"


def _in_order(rows: dict[str, int]) -> dict[str, int]:
    """Rows by their numbers. A hundred of them stand in the order of their letters, which is quicker to find."""
    return dict(sorted(rows.items(), key=_index if len(rows) > 100 else None))


def _index(item: tuple[str, int]) -> int:
    head = item[0].partition(" ")[0]
    return int(head) if head.isdecimal() else 0
