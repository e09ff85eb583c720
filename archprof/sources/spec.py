"""What a reference means, before anything is built: frozen, and free of torch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import msgspec

from archprof.errors import UsageError
from archprof.records.conventions import TODAY, UNASKED
from archprof.records.profile import TopLevelKey
from archprof.sources import families
from archprof.sources import settings as setting_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from archprof.errors import ArchprofError
    from archprof.sources.checkpoint.variant import CheckpointSpec

STOCK = "ultralytics"
"""The family of a file that belongs to no other."""

YOLOV5 = "yolov5"
"""The family of files in the dialect of YOLOv5's and YOLOv3's own repositories."""

ZOO = "model_zoo."
"""How the names of the packages begin that hold archprof's own families."""

Built = TypeVar("Built")
Built_co = TypeVar("Built_co", covariant=True)


class Scale(msgspec.Struct, frozen=True):
    """One entry of ``scales:``: depth and width multipliers, and the channels that width is capped at."""

    depth: float = 1.0
    width: float = 1.0
    max_channels: int | float = float("inf")


class Row(msgspec.Struct, frozen=True):
    """One line of ``backbone:`` or ``head:``, as written.

    ``sources`` are the rows it reads, as written (negative counts back from this row); ``many`` tells
    ``[4]`` from ``4``.
    """

    index: int
    sources: tuple[int, ...]
    many: bool
    repeats: int | float
    module: str
    arguments: tuple[Any, ...]
    line: int

    @property
    def items(self) -> tuple[Any, ...]:
        """Its four items as the file has them: from, repeats, module, arguments."""
        return (self.sources if self.many else self.sources[0], self.repeats, self.module, self.arguments)


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What a YAML says, whatever it is called and whichever scale is wanted.

    ``values`` are the top-level keys other than the rows and the scales. ``value_lines`` has the line of every key,
    and of every scale as ``scales.n``.
    """

    rows: tuple[Row, ...]
    scales: dict[str, Scale]
    values: dict[str, Any]
    value_lines: dict[str, int]


class Constructor(Protocol[Built_co]):
    """What builds specs. There are three ways, and a spec knows which is its own."""

    def from_rows(self, spec: VariantSpec, /) -> Built_co:
        """Build a variant, row by row."""

    def from_recipe(self, spec: RecipeSpec, /) -> Built_co:
        """Build a model that some code makes."""

    def from_checkpoint(self, spec: CheckpointSpec, /) -> Built_co:
        """Build a variant with the widths of a checkpoint's tensors."""


@dataclass(frozen=True, kw_only=True)
class Spec(ABC):
    """What is to be built, and the answers to all that others ask of it; nobody asks for its class.

    Attributes:
        name: What to call it.
        reference: What the user typed.
        settings: What ``--nc`` and ``--set`` changed.
        rows: Its rows; none for a model that is no YAML.
        scales: The scales that it may be had at.
        scale: The one that it is at; None where there are none.
        scale_assumed: Whether there are others, and nobody asked for this one.
        family: The family that says what the names in its rows mean.
        path: Its file, where it has one; ``HEAD~3:models/my.yaml`` for a file in a git revision.
        text: What that file says.
    """

    origin: ClassVar[str]
    """The kind of origin that it is from, as profiles say it."""

    graph_format: ClassVar[str | None] = None
    """The format of a file that is a graph of operations itself, and is counted without building a module: "onnx"."""

    name: str
    reference: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=dict)
    scale: str | None = None
    scale_assumed: bool = False
    family: str | None = None
    path: Path | None = None
    text: str | None = None

    @property
    @abstractmethod
    def content_key(self) -> bytes | None:
        """All that its profile depends on, besides what is installed: what was asked for, and what its files say.

        None where that cannot be known, so that nothing of it may be cached. See :func:`encode_key`.
        """

    @property
    @abstractmethod
    def trusted(self) -> bool:
        """Whether building it runs installed code only, none from a file of the user's."""

    @property
    def reusable(self) -> bool:
        """Whether the process that built it is as good as new: only archprof's and well-known libraries' code ran."""
        return self.trusted

    @property
    def reporters(self) -> tuple[str, ...]:
        """The conventions by which figures of such models are published, which a full profile has unasked."""
        return UNASKED

    def missing(self) -> ArchprofError | None:
        """The error of a model that surely cannot be built, as far as that can be told without building it."""
        return None

    def no_operations(self) -> ArchprofError | None:
        """The error of a file of weights alone, which has no operations that could be run or audited."""
        return None

    @property
    def values(self) -> Mapping[str, Any]:
        """What it is given besides its rows, by name."""
        return self.settings

    def with_values(self, settings: Mapping[str, Any]) -> Self:
        """The same model with values changed, as ``--set`` does; nothing is checked."""
        return replace(self, settings={**self.settings, **settings})

    def called(self, reference: str) -> Self:
        """The same model under the reference that names it with its settings."""
        return replace(self, reference=reference)

    @property
    def changes(self) -> Mapping[str, Any]:
        """All that was changed of what its file or its constructor says, by name."""
        return self.settings

    def edited(self, name: str, value: Any) -> Self:
        """The same model with a part of a row changed, or a factor of its scale.

        Args:
            name: As :func:`archprof.sources.edits.edited` takes it.
            value: What it is to be.

        Raises:
            UsageError: Where it has no rows, or no such part.
        """
        raise UsageError(f"{self.reference} is no YAML with rows, so it has no {name}")

    @property
    def top_level(self) -> dict[str, TopLevelKey]:
        """What it is built with beside its rows: top-level values and the scale, each with its line."""
        return {}

    @abstractmethod
    def check_setting(self, key: str, value: Any) -> None:
        """See to it that a value may be set.

        Raises:
            UsageError: Where it may not.
        """

    @abstractmethod
    def build(self, constructor: Constructor[Built]) -> Built:
        """Have it built, in the constructor's way that is its own."""


@dataclass(frozen=True, kw_only=True)
class VariantSpec(Spec):
    """A YAML variant at one scale.

    Attributes:
        document: The top-level keys other than the rows and the scales (``nc``, ``kpt_shape``, ``activation`` ...),
            as the file has them.
        value_lines: The line of each, of ``backbone``, ``head`` and ``scales``, and of every scale as ``scales.n``.
        size: The size that its blocks go by: the scale, or the letter in the name of a file without scales.
        edits: What was changed of its rows and of its scale's factors (:mod:`archprof.sources.edits`).
    """

    origin = "yaml"

    family: str
    path: Path
    text: str
    document: Mapping[str, Any] = field(default_factory=dict)
    value_lines: Mapping[str, int] = field(default_factory=dict)
    size: str | None = None
    edits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content_key(self) -> bytes | None:
        """The file's text, with what its name, the options and edits make of it."""
        parts = self.name, self.reference, str(self.path), self.family, self.scale, self.scale_assumed, self.settings
        return encode_key(self.origin, self.text, *parts, self.edits)

    @property
    def trusted(self) -> bool:
        """Blocks come from Ultralytics, from an installed family, or from a plugin, which is refused by itself."""
        return True

    @property
    def reusable(self) -> bool:
        """Whether its blocks are Ultralytics' or the zoo's."""
        installed = families.families().get(self.family)
        return self.family in (STOCK, YOLOV5) or (installed is not None and installed.package.startswith(ZOO))

    @property
    def reporters(self) -> tuple[str, ...]:
        """Ultralytics' of 2024–25 and today's."""
        return (*UNASKED, TODAY)

    @property
    def values(self) -> Mapping[str, Any]:
        """The top-level keys, as set."""
        return {**self.document, **self.settings}

    @property
    def changes(self) -> Mapping[str, Any]:
        """Top-level values that were set, and edits."""
        return {**self.settings, **self.edits}

    def edited(self, name: str, value: Any) -> Self:
        """The same variant with a part of a row changed, or a factor of its scale.

        Raises:
            UsageError: Where it has no such part, or the value is of the wrong kind.
        """
        from archprof.sources import edits

        return edits.edited(self, name, value)

    @property
    def factors(self) -> Scale:
        """Those of its scale; in a file without scales, its ``depth_multiple`` and ``width_multiple``."""
        if self.scale is not None:
            return self.scales[self.scale]
        depth, width = (self.values.get(key, 1.0) for key in ("depth_multiple", "width_multiple"))
        # Where no row is repeated, the depth may be anything: nothing is multiplied by it.
        return Scale(float(depth) if setting_rules.is_multiple(depth) else 1.0, float(width))

    @property
    def top_level(self) -> dict[str, TopLevelKey]:
        """Each top-level value and the scale."""
        keys = {
            key: TopLevelKey(value=_json(value), line=None if key in self.settings else self.value_lines.get(key))
            for key, value in self.values.items()
        }
        if self.scale is not None:
            factors = [self.factors.depth, self.factors.width, self.factors.max_channels]
            key = f"scales.{self.scale}"
            changed = any(name in self.edits for name in Scale.__struct_fields__)
            keys[key] = TopLevelKey(value=_json(factors), line=None if changed else self.value_lines.get(key))
        return keys

    def missing(self) -> ArchprofError | None:
        """The error of a row that names no block, or lacks the number of classes."""
        from archprof.sources import variant_errors

        return variant_errors.error_of(self)

    def check_setting(self, key: str, value: Any) -> None:
        """See to it that a top-level value may be set.

        Raises:
            UsageError: Where the variant has no use for the key, or the value is of the wrong kind.
        """
        setting_rules.check(self, key, value)

    def build(self, constructor: Constructor[Built]) -> Built:
        """From its rows."""
        return constructor.from_rows(self)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one model that is no YAML.

    Attributes:
        make: Makes it, on whatever device new tensors go to.
        shape: The shape of one input, without the batch, of the model that was made: (channels, height, width),
            (channels, frames, height, width) for a clip, (length,) for tokens.
        task: What it is for, where that is known.
        inputs: How many inputs of that shape it takes at once.
        code: The file or folder whose lines a traceback shows, where the user wrote what makes it.
    """

    make: Callable[[], Any]
    shape: Callable[[Any], tuple[int, ...]]
    task: str | None = None
    inputs: int = 1
    code: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RecipeSpec(Spec):
    """A model that is no YAML: some code makes it.

    Attributes:
        target: What stood behind the colon.
    """

    target: str

    @property
    def content_key(self) -> bytes | None:
        """What was asked for: the version of what makes it is among what is installed."""
        return encode_key(self.origin, self.reference, self.settings)

    def check_setting(self, key: str, value: Any) -> None:
        """Anything may be: the constructor says what it does not take."""

    @abstractmethod
    def recipe(self, channels: int, size: tuple[int, ...] | None = None) -> Recipe:
        """How to make it.

        Args:
            channels: Channels of the images that it is for.
            size: Their (height, width) or (side,), where one is asked for: some models are made for one size.

        Raises:
            UnknownReferenceError: Where there is no such model; with the nearest names.
            UsageError: Where it takes no such image.
        """

    def build(self, constructor: Constructor[Built]) -> Built:
        """By its recipe."""
        return constructor.from_recipe(self)


def _json(value: Any) -> Any:
    """A value of a YAML as JSON can hold it: it has no number that is not finite."""
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def encode_key(*parts: Any) -> bytes | None:
    """Some values as bytes, different for different values; None where one has no such form."""
    try:
        return msgspec.msgpack.encode(parts)
    except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits
        return None
