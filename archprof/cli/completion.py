"""What a shell offers when Tab is pressed: references, their scales and blocks, read from files, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archprof.errors import ArchprofError

PACKAGES = ("timm", "torchvision")
"""Origins whose names are many, and are offered once the origin is typed."""


def references(ctx: Any, incomplete: str) -> list[str]:
    """References that begin so. A shell that breaks words at colons, as bash does, gets what follows the colon."""
    from archprof.sources.origins import ORIGINS

    # What a shell that breaks words at colons has left of "timm:vit": "timm", ":" and "vit".
    words = [*(ctx.params.get("references") or ()), incomplete]
    before, colon, text = incomplete.rpartition(":")
    if len(words) > 2 and words[-2] == ":":
        origin = words[-3]
    elif incomplete == ":" and len(words) > 1:
        origin = words[-2]
    elif colon:
        origin = before
    else:
        return _without_prefix(incomplete)
    if origin not in PACKAGES:
        return []
    return [f"{before}{colon}{name}" for name in ORIGINS[origin].names(Path()) if name.startswith(text)]


def _without_prefix(incomplete: str) -> list[str]:
    """Files of the folder that is typed, the zoo's and Ultralytics' names, and the origins that go on with a colon."""
    from archprof.sources.origins import ORIGINS

    folder = Path(incomplete).parent if "/" in incomplete else Path()
    names = [
        reference
        for key, origin in ORIGINS.items()
        if key not in PACKAGES
        for reference in origin.names(folder).values()
    ]
    names += [f"{origin}:" for origin in PACKAGES]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def scales(ctx: Any, incomplete: str) -> list[str]:
    """The scales of the models that stand on the line already."""
    from archprof.sources.reference import resolve

    names: list[str] = []
    for reference in (*(ctx.params.get("references") or ()), *ctx.args):
        try:
            names += resolve(reference).scales
        except ArchprofError:
            continue
    return [name for name in dict.fromkeys([*names, *(["all"] if names else [])]) if name.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """What ``archprof list`` lists."""
    from archprof.listing import LISTINGS

    return [name for name in LISTINGS if name.startswith(incomplete)]


def blocks(incomplete: str) -> list[str]:
    """Blocks of Ultralytics, of torch and of the installed families."""
    from archprof.sources import block_names

    return sorted(name for name in block_names.known() if name.startswith(incomplete))


def zoo(incomplete: str) -> list[str]:
    """Variants of the zoo."""
    from archprof.sources.origins import ORIGINS

    return [name for name in ORIGINS["zoo"].names(Path()) if name.startswith(incomplete)]


def budgeted(incomplete: str) -> list[str]:
    """The variants of the budget file; none where it makes no sense, which the command says."""
    from archprof.budgets import cases, read

    try:
        names = cases.variants(read.read(read.find(Path.cwd())))
    except ArchprofError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def counters(incomplete: str) -> list[str]:
    """Counters that an audit runs."""
    from archprof.counters import COUNTERS

    return [name for name in COUNTERS if name.startswith(incomplete)]


def backends(incomplete: str) -> list[str]:
    """Backends that a latency is measured with; several are parted by commas."""
    from archprof.latency.backends import BACKENDS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in BACKENDS if name.startswith(last)]


def dtypes(incomplete: str) -> list[str]:
    """Data types of weights."""
    from archprof.builder.options import DTYPES

    return [name for name in DTYPES if name.startswith(incomplete)]


def devices(incomplete: str) -> list[str]:
    """Devices that may be here."""
    return [name for name in ("auto", "cpu", "cuda", "meta") if name.startswith(incomplete)]
