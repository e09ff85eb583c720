"""What two models differ in beside their rows: top-level keys and scales of their files, and how they were run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.compare.model import Fact
from archprof.records.comparison import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.compare.model import Model
    from archprof.records.profile import TopLevelKey

ABSENT = "none"
"""What stands for a key that a file does not have."""

SCALES = "scales."
"""What the name of a scale begins with among the top-level keys."""

UNREAD = ("about", "source", "family")
"""Top-level keys that say nothing of the network, and the family, which is a fact whether the file names it or not."""

_UNSET = Fact("not set")


def differences(before: Model, after: Model) -> list[Difference]:
    """Everything beside the rows in which two models differ, changed lines of their files first.

    Where each is at a scale of its own, that is one difference, and none between the lines of the two scales.
    """
    return [*_top_level(before, after), *_facts(before, after)]


def changed_keys(before: Mapping[str, TopLevelKey], after: Mapping[str, TopLevelKey]) -> list[Difference]:
    """The top-level keys, and the scales, that are not the same in two files."""
    return [
        Difference(
            name=key,
            before=_text(old),
            after=_text(new),
            before_line=old.line if old else None,
            after_line=new.line if new else None,
        )
        for key in dict.fromkeys((*before, *after))
        if key not in UNREAD and _text(old := before.get(key)) != _text(new := after.get(key))
    ]


def _top_level(before: Model, after: Model) -> list[Difference]:
    if not before.rows or not after.rows:
        return []  # one of them is of no file
    scales = before.variant.scale, after.variant.scale
    other_scale = None not in scales and scales[0] != scales[1]
    changed = changed_keys(before.top_level, after.top_level)
    return [difference for difference in changed if not (other_scale and difference.name.startswith(SCALES))]


def _text(key: TopLevelKey | None) -> str:
    if key is None:
        return ABSENT
    return key.value if isinstance(key.value, str) else units.literal(key.value)


def _facts(before: Model, after: Model) -> Iterator[Difference]:
    old, new = _with_settings(before, after), _with_settings(after, before)
    shared = [key for key in old if key in new]
    for name in shared:
        if old[name] == new[name] or (name in ("size", "batch") and "input" in shared):
            continue
        if name == "scale" and None in (before.variant.scale, after.variant.scale):
            continue  # the line of the scale says it
        yield Difference(name=name, before=old[name].text, after=new[name].text, comparable=old[name].comparable)


def _with_settings(model: Model, reference: Model) -> Mapping[str, Fact]:
    """What a model is; a setting that only the other one has been given is not set."""
    added = [key for key in reference.variant.settings if key in reference.facts and key not in model.facts]
    return dict(model.facts) | dict.fromkeys(added, _UNSET)
