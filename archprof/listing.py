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
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean
from archprof.records.conventions import CONVENTIONS
from archprof.records.metrics import NAMED
from archprof.registry import Registry
from archprof.sources import families
from archprof.sources.origins import ORIGINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archprof.builder.registry import Block
    from archprof.counters import Counter
    from archprof.latency.backends.interface import Backend
    from archprof.records.conventions import Convention
    from archprof.records.metrics import Metric


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
        things: Gives all of them, each with its name.
        item: What is shown of one; it is made of those only that are listed.
    """

    about: str
    things: Callable[[], Iterable[tuple[str, Any]]]
    item: Callable[[str, Any], Item]


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
    things = list(listing.things())
    items = [listing.item(name, thing) for name, thing in things if _fits(pattern.lower(), name)]
    if pattern and not items:
        hint = did_you_mean(pattern, [name for name, _ in things]) or f"`archprof list {kind}` shows all {len(things)}"
        raise UsageError(f"nothing in {kind} matches {pattern!r}", hint=hint)
    return kind, items


def _fits(pattern: str, name: str) -> bool:
    return fnmatch(name.lower(), pattern) if set(pattern) & set("*?[") else pattern in name.lower()


def _names(origin: str) -> Iterable[tuple[str, str]]:
    return ORIGINS[origin].names(Path()).items()


def _stock() -> Iterator[tuple[str, tuple[str, Path]]]:
    from archprof.sources.origins.stock import stock
    from archprof.sources.spec import STOCK

    return ((name, (STOCK, path)) for name, path in stock().items())


def _zoo() -> Iterator[tuple[str, tuple[str, Path]]]:
    return ((name, (family.name, path)) for family, name, path in families.variants())


def _variant(name: str, source: tuple[str, Path]) -> Item:
    """A YAML, of which the family and the file are known."""
    from archprof.sources import yaml_file
    from archprof.sources.task import task_of

    family, path = source
    spec = yaml_file.load(path, family=family)
    scales = f"scales {' '.join(spec.scales)}" if spec.scales else ""
    return Item(name, name, "; ".join(part for part in (task_of(spec) or "", scales) if part))


def _blocks() -> Iterator[tuple[str, Block]]:
    from archprof.builder.block_help import all_blocks

    return ((block.name, block) for block in all_blocks())


def _block(name: str, block: Block) -> Item:
    from archprof.builder.block_help import takes

    return Item(name, f"archprof explain block {name}", f"{block.family}: {takes(block)}")


def _counters() -> Iterable[tuple[str, Counter]]:
    from archprof.counters import COUNTERS

    return COUNTERS.items()


def _counter(name: str, counter: Counter) -> Item:
    return Item(name, f"archprof audit REF --counter {name}", f"{counter.distribution}: {_first_line(counter)}")


def _backends() -> Iterable[tuple[str, Backend]]:
    from archprof.latency.backends import BACKENDS

    return BACKENDS.items()


def _backend(name: str, backend: Backend) -> Item:
    missing = backend.missing()
    absent = f" (needs {', '.join(missing)}, not installed)" if missing else ""
    return Item(name, f"archprof bench REF --backend {name}", _first_line(backend) + absent)


def _convention(name: str, convention: Convention) -> Item:
    return Item(name, f"archprof summary REF --convention {name}", f"{convention.rule} ({convention.unit})")


def _metric(name: str, metric: Metric) -> Item:
    short = f", or {', '.join(metric.aliases)}" if metric.aliases else ""
    return Item(name, f"archprof summary REF --columns model,{name}", f"{metric.label}{short}")


def _first_line(value: object) -> str:
    return (inspect.getdoc(type(value)) or "").partition("\n")[0].replace("``", "`")


with LISTINGS.own():
    LISTINGS.register(
        "ultralytics", Listing("models of the installed Ultralytics, with their scales", _stock, _variant)
    )
    LISTINGS.register("zoo", Listing("variants that come with archprof and with installed families", _zoo, _variant))
    LISTINGS.register("timm", Listing("models of timm", partial(_names, "timm"), Item))
    LISTINGS.register("torchvision", Listing("models of torchvision", partial(_names, "torchvision"), Item))
    LISTINGS.register("blocks", Listing("blocks that a row of a YAML may name", _blocks, _block))
    LISTINGS.register("counters", Listing("counters that an audit runs", _counters, _counter))
    LISTINGS.register("backends", Listing("backends that a latency is measured with", _backends, _backend))
    LISTINGS.register("conventions", Listing("conventions that FLOPs are reported by", CONVENTIONS.items, _convention))
    LISTINGS.register("metrics", Listing("metrics for columns and budgets", NAMED.items, _metric))
