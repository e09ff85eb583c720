"""What there is to name on a command line, kind by kind: models of every origin, blocks, counters, metrics.

Each kind is one entry of :data:`LISTINGS`. Models are listed from files, without importing the packages that they are
of; blocks alone need torch.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean
from archprof.registry import Registry
from archprof.sources import families
from archprof.sources.origins import ORIGINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a command line may name.

    Attributes:
        name: Its name.
        usage: What to type.
        about: What it is or takes, in a line.
    """

    name: str
    usage: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A kind of things.

    Attributes:
        about: What they are, in the plural.
        items: Gives all of them, or those only whose name a test lets pass.
    """

    about: str
    items: Callable[[Callable[[str], bool]], Iterable[Item]]


LISTINGS: Registry[Listing] = Registry("kind")
"""Every kind by its name, in the order in which they are shown."""


def find_items(query: str) -> tuple[str, list[Item]]:
    """The things that a text such as ``timm:vit*`` asks for.

    Args:
        query: A kind, or a kind and a pattern: with ``*`` and ``?`` it is of the whole name, else of a part of it.

    Returns:
        The kind, and those of its things whose name fits, in their own order.

    Raises:
        UsageError: Where there is no such kind, or nothing fits.
    """
    kind, _, pattern = query.partition(":")
    listing = LISTINGS.find(kind)
    items = list(listing.items(partial(_fits, pattern.lower())))
    if pattern and not items:
        names = [item.name for item in listing.items(lambda name: True)]
        hint = did_you_mean(pattern, names) or f"`archprof list {kind}` shows all {len(names)}"
        raise UsageError(f"no {kind} fits {pattern!r}", hint=hint)
    return kind, items


def _fits(pattern: str, name: str) -> bool:
    return fnmatch(name.lower(), pattern) if set(pattern) & set("*?[") else pattern in name.lower()


def _models(origin: str, accepts: Callable[[str], bool]) -> Iterator[Item]:
    for name, reference in ORIGINS[origin].names(Path()).items():
        if accepts(name):
            yield Item(name, reference)


def _variants(paths: Iterable[tuple[str, str, Path]], accepts: Callable[[str], bool]) -> Iterator[Item]:
    """The YAMLs of a family: name, family and file of each."""
    from archprof.sources import yaml_file
    from archprof.sources.task import task_of

    for name, family, path in paths:
        if accepts(name):
            spec = yaml_file.load(path, family=family)
            scales = f"scales {' '.join(spec.scales)}" if spec.scales else ""
            yield Item(name, name, "; ".join(part for part in (task_of(spec) or "", scales) if part))


def _stock(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.sources.origins.stock import stock
    from archprof.sources.spec import STOCK

    return _variants(((name, STOCK, path) for name, path in stock().items()), accepts)


def _zoo(accepts: Callable[[str], bool]) -> Iterator[Item]:
    return _variants(((name, family.name, path) for family, name, path in families.variants()), accepts)


def _blocks(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.builder.block_help import all_blocks, takes

    for block in all_blocks():
        if accepts(block.name):
            yield Item(block.name, f"archprof explain block {block.name}", f"{block.family}: {takes(block)}")


def _counters(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.counters import COUNTERS

    for name, counter in COUNTERS.items():
        if accepts(name):
            yield Item(name, f"archprof audit REF --counter {name}", f"{counter.distribution}: {_first_line(counter)}")


def _backends(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.latency.backends import BACKENDS

    for name, backend in BACKENDS.items():
        if accepts(name):
            missing = backend.missing()
            absent = f" (needs {', '.join(missing)}, not installed)" if missing else ""
            yield Item(name, f"archprof bench REF --backend {name}", _first_line(backend) + absent)


def _conventions(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.records.conventions import CONVENTIONS

    for name, convention in CONVENTIONS.items():
        if accepts(name):
            yield Item(name, f"archprof summary REF --convention {name}", f"{convention.rule} ({convention.unit})")


def _metrics(accepts: Callable[[str], bool]) -> Iterator[Item]:
    from archprof.records.metrics import METRICS

    for name, metric in METRICS.items():
        if accepts(name):
            short = f", or {', '.join(metric.aliases)}" if metric.aliases else ""
            yield Item(name, f"archprof summary REF --columns model,{name}", f"{metric.label}{short}")


def _first_line(value: object) -> str:
    return (inspect.getdoc(type(value)) or "").partition("\n")[0]


with LISTINGS.own():
    LISTINGS.register("ultralytics", Listing("models of the installed Ultralytics, with their scales", _stock))
    LISTINGS.register("zoo", Listing("variants that come with archprof and with installed families", _zoo))
    LISTINGS.register("timm", Listing("models of timm", partial(_models, "timm")))
    LISTINGS.register("torchvision", Listing("models of torchvision", partial(_models, "torchvision")))
    LISTINGS.register("blocks", Listing("blocks that a row of a YAML may name", _blocks))
    LISTINGS.register("counters", Listing("counters that an audit runs", _counters))
    LISTINGS.register("backends", Listing("backends that a latency is measured with", _backends))
    LISTINGS.register("conventions", Listing("conventions that FLOPs are reported by", _conventions))
    LISTINGS.register("metrics", Listing("metrics for columns and budgets", _metrics))
