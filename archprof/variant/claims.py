"""Published figures, as printed, with what it takes to replay them (format: docs/reference/claims.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from archprof.errors import did_you_mean
from archprof.variant.document import Document, line_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import yaml

COUNTS = ("modules", "layers", "parameters", "trainable_parameters")
"""Figures that do not depend on a counting convention."""

COMPUTE = ("macs", "gflops")
"""Figures that do: one number is the exact count, a mapping has one number a convention."""

SETTINGS: Mapping[str, tuple[type, ...]] = {
    "scale": (str,),
    "nc": (int,),
    "imgsz": (int, str),
    "batch": (int,),
    "channels": (int,),
    "fuse": (bool,),
    "set": (dict,),
}
"""What a claim may set, each as the option of the same name does, and the types it may have."""

_PRINTED = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))? ?([KMGBT]?)")
_SUFFIXES = {"": 0, "K": 3, "M": 6, "G": 9, "B": 9, "T": 12}


@dataclass(frozen=True, slots=True)
class Published:
    """One figure as printed: ``2,461,081``, ``6.4``, ``8.6 M``.

    ``gflops`` are in billions of FLOPs, every other figure is a plain number. ``convention`` is None where
    the figure does not depend on one, or is the exact count.
    """

    figure: str
    text: str
    convention: str | None = None

    @property
    def value(self) -> Decimal:
        """The number that was printed, K, M, G (or B) and T multiplied out."""
        whole, decimals, suffix = self._parts
        return Decimal(f"{whole}.{decimals}").scaleb(_SUFFIXES[suffix])

    @property
    def step(self) -> Decimal:
        """What one unit of the last printed digit is worth."""
        _, decimals, suffix = self._parts
        return Decimal(1).scaleb(_SUFFIXES[suffix] - len(decimals))

    def agrees(self, measured: float) -> bool:
        """Whether a measured figure, rounded to the printed digits, is what was printed."""
        return abs(Decimal(repr(measured)) - self.value) <= self.step / 2

    @property
    def _parts(self) -> tuple[str, str, str]:
        match = _PRINTED.fullmatch(self.text)
        assert match is not None  # refused when the file was read
        return match[1].replace(",", ""), match[2] or "", match[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Figures that were published together, of one model under one set of settings.

    ``variant`` is any reference. ``holds`` is false for a claim that is known not to be reproducible;
    ``note`` says why, or what else a reader should know.
    """

    variant: str
    figures: tuple[Published, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    holds: bool = True
    note: str | None = None
    path: Path
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsFile:
    """A ``claims.yaml``: what it says of the family (or paper) as a whole, and its claims."""

    title: str | None = None
    source: str | None = None
    about: str | None = None
    claims: tuple[Claim, ...] = ()


def read(path: Path) -> ClaimsFile:
    """Read a ``claims.yaml``.

    Raises:
        VariantError: Where the file is not one, with the line and column.
    """
    document = Document.read(path)
    keys = _known(document, document.root, "the claims file", ("title", "source", "about", "claims"))
    texts = {key: _text(document, keys[key], key) for key in ("title", "source", "about") if key in keys}
    nodes = document.sequence(keys["claims"], "claims") if "claims" in keys else []
    claims = tuple(_claim(document, node, path, texts.get("source")) for node in nodes)
    return ClaimsFile(**texts, claims=claims)


def _claim(document: Document, node: yaml.Node, path: Path, source: str | None) -> Claim:
    known = ("variant", "settings", "figures", "source", "holds", "note")
    keys = _known(document, node, "a claim", known)
    for key in ("variant", "figures"):
        if key not in keys:
            raise document.error(f"a claim without {key!r}", node)
    texts = {key: _text(document, keys[key], key) for key in ("source", "note") if key in keys}
    holds = document.plain(keys["holds"]) if "holds" in keys else True
    if not isinstance(holds, bool):
        raise document.error("holds must be true or false", keys["holds"])
    figures = _known(document, keys["figures"], "figures", (*COUNTS, *COMPUTE))
    return Claim(
        variant=_text(document, keys["variant"], "variant"),
        source=texts.get("source", source),
        note=texts.get("note"),
        settings=_settings(document, keys["settings"]) if "settings" in keys else {},
        figures=tuple(one for key, value in figures.items() for one in _published(document, key, value)),
        holds=holds,
        path=path,
        line=line_of(node),
    )


def _settings(document: Document, node: yaml.Node) -> dict[str, Any]:
    found = {}
    for key, value_node in _known(document, node, "settings", SETTINGS).items():
        value = found[key] = document.plain(value_node)
        if type(value) not in SETTINGS[key]:
            expected = " or ".join(kind.__name__ for kind in SETTINGS[key])
            raise document.error(f"{key} must be {expected}, not {value!r}", value_node)
    return found


def _published(document: Document, figure: str, node: yaml.Node) -> list[Published]:
    if figure in COMPUTE and isinstance(node.value, list):
        printed = document.mapping(node, figure)
        return [Published(figure, _number(document, figure, one), name) for name, one in printed.items()]
    return [Published(figure, _number(document, figure, node))]


def _number(document: Document, figure: str, node: yaml.Node) -> str:
    # The scalar's own text, so that 6.40 stays 6.40 whether it is quoted or not.
    text = node.value if isinstance(node.value, str) else ""
    match = _PRINTED.fullmatch(text)
    if not match or (figure == "gflops" and match[3]):
        example = "6.4" if figure == "gflops" else "2,461,081 or 8.6 M"
        raise document.error(f"{figure} must be a number as printed, such as {example}", node)
    return text


def _text(document: Document, node: yaml.Node, what: str) -> str:
    value = document.plain(node)
    if not isinstance(value, str) or not value.strip():
        raise document.error(f"{what} must be text, not {value!r}", node)
    return value.strip()


def _known(
    document: Document, node: yaml.Node, what: str, known: Mapping[str, Any] | tuple[str, ...]
) -> dict[str, yaml.Node]:
    """A mapping that has no other keys than the known ones."""
    found = document.mapping(node, what)
    for key, value in found.items():
        if key not in known:
            hint = did_you_mean(key, known) or f"it may have {', '.join(known)}"
            raise document.error(f"{what} has no key {key!r}", value, hint=hint)
    return found
