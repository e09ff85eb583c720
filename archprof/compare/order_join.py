"""Parts of two models, paired by order and shape where their names tell nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from archprof.records.comparison import COUNTS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from archprof.compare.model import Model
    from archprof.records.comparison import Part

DEEP = 99
"""Deeper than any module lies, so that each has its own figures and no other's."""

PartPair = tuple["Part | None", "Part | None"]


def computing(model: Model) -> list[Part]:
    """The modules, or nodes, that multiply and accumulate, in the order of the graph."""
    return [part for part in model.modules(DEEP) if part.flops]


def join(before: Sequence[Part], after: Sequence[Part]) -> list[PartPair]:
    """Pair what computes in two models.

    Of as many parts with the same work and the same output, the first is the first and so on: the lists may be in the
    order of the modules or of the run. Of those that remain, one part is the next few of the other list that do its
    work together, as the two products of an attention are one module or two nodes.

    Args:
        before: The parts of one model, none with work of another in it.
        after: Those of the other.

    Returns:
        The pairs in the order of ``before``; then what only ``after`` has. Parts that were taken together are one, with
        the paths of all.
    """
    old_of, new_of = _by_signature(before), _by_signature(after)
    pairs: dict[int, tuple[list[int], list[int]]] = {}
    lone_old, lone_new = set(range(len(before))), set(range(len(after)))

    def pair(old: list[int], new: list[int]) -> None:
        pairs[old[0]] = old, new
        lone_old.difference_update(old)
        lone_new.difference_update(new)

    for signature, indices in old_of.items():
        if len(others := new_of.get(signature, [])) == len(indices):
            for index, other in zip(indices, others, strict=True):
                pair([index], [other])
    for index in sorted(lone_old):
        if group := _group(before[index], sorted(lone_new), after):
            pair([index], group)
    for index in sorted(lone_new):
        if group := _group(after[index], sorted(lone_old), before):
            pair(group, [index])
    joined: list[PartPair] = []
    for index, part in enumerate(before):
        if index in pairs:
            old, new = pairs[index]
            joined.append((_together([before[i] for i in old]), _together([after[i] for i in new])))
        elif index in lone_old:
            joined.append((part, None))
    return [*joined, *((None, after[index]) for index in sorted(lone_new))]


def _by_signature(parts: Sequence[Part]) -> dict[Hashable, list[int]]:
    signatures: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, part in enumerate(parts):
        signatures[part.flops, tuple(map(tuple, part.output_shapes or ()))].append(index)
    return signatures


def _group(part: Part, remaining: Sequence[int], parts: Sequence[Part]) -> list[int]:
    """The first of the remaining parts that follow each other and do the work of a part together; none if none do."""
    for start in range(len(remaining)):
        work, group = 0, list[int]()
        for index in remaining[start:]:
            work += parts[index].flops or 0
            group.append(index)
            if work >= (part.flops or 0):
                break
        if work == part.flops:
            return group
    return []


def _together(parts: Sequence[Part]) -> Part:
    """Parts as one."""
    first, *others = parts
    figures = {name: sum(getattr(part, name) or 0 for part in parts) for name in COUNTS}
    path = " + ".join(part.path for part in parts)
    return msgspec.structs.replace(parts[-1], path=path, **figures) if others else first


def missing(pairs: Sequence[PartPair]) -> Iterator[Part]:
    """What only one of the models has."""
    for old, new in pairs:
        if (part := old or new) and (old is None or new is None):
            yield part
