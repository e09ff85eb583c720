"""The blocks that a variant's rows may name, and how each row's arguments become a constructor call.

Everything that a YAML can build is here: Ultralytics' blocks, the zoo's, a plugin's. They all come in through
`register`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from archprof.errors import BuildError, RegistrationError, nearest
from archprof.registry import note_registration
from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from torch import nn

    from archprof.sources.spec import Row

    Factory = Callable[..., nn.Module]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class RowContext:
    """What a rule may know about the row that it turns into a call.

    Attributes:
        row: The row as written.
        inputs: Channels of each input, in the order of ``from``.
        arguments: The row's arguments, with names of top-level values looked up and literals converted.
        repeats: The row's repeats after depth scaling.
        scale: The scale's letter, or None where the file has no scales.
        width: The scale's width multiplier.
        max_channels: What channels are capped at before they are multiplied by the width.
        values: The variant's top-level values.
        light_head: Whether a row before this one names a block registered with ``light_head``.
    """

    row: Row
    inputs: tuple[int, ...]
    arguments: tuple[Any, ...]
    repeats: int
    scale: str | None
    width: float
    max_channels: float
    values: Mapping[str, Any]
    light_head: bool = False

    def scaled(self, channels: float) -> int:
        """Channels as written -> channels at this scale: capped, times the width, up to a multiple of 8.

        Raises:
            BuildError: Where they are not a number above 0.
        """
        if not isinstance(channels, (int, float)) or not channels > 0:
            raise BuildError(f"its output channels must be a number above 0, not {channels!r}")
        width = min(channels, self.max_channels) * self.width
        return int(-(-width // 8)) * 8


@dataclass(frozen=True, slots=True)
class Call:
    """A constructor call: its positional arguments, the channels that come out, the copies to chain.

    ``holding`` are class attributes to hold at a value while the constructor runs, and to put back after
    (Ultralytics' convolutions are steered that way). ``legacy`` says of a detection head of Ultralytics' whether its
    class branch is the one from before YOLO11; None for any other block.
    """

    arguments: tuple[Any, ...]
    channels: int
    repeats: int = 1
    holding: Mapping[tuple[type, str], Any] = field(default_factory=dict)
    legacy: bool | None = None


Rule = Callable[[RowContext], Call]


@dataclass(frozen=True, slots=True)
class Block:
    """A registered name: what makes the module, and the rule that makes the call."""

    name: str
    factory: Factory
    rule: Rule
    family: str
    light_head: bool = False


class Registry:
    """Blocks by family and name."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str], Block] = {}

    def add(self, block: Block) -> None:
        """Add a block.

        Raises:
            RegistrationError: Where the family has a block of that name already.
        """
        if (block.family, block.name) in self._blocks:
            raise RegistrationError(f"block {block.name!r} is registered twice in family {block.family!r}")
        self._blocks[block.family, block.name] = block
        note_registration()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """On leaving, the blocks are those that were there on entering, whatever happened in between."""
        blocks = dict(self._blocks)
        try:
            yield
        finally:
            self._blocks = blocks

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Forget what was added meanwhile if anything is raised, so that a second try meets no half of it."""
        blocks = dict(self._blocks)
        try:
            yield
        except BaseException:
            self._blocks = blocks
            raise

    def find(self, name: str, family: str) -> Block | None:
        """The block a row of this family means by a name: the family's own, else a stranger's, else stock."""
        candidates = (self._blocks.get((owner, name)) for owner in (family, "*", STOCK))
        return next((block for block in candidates if block), None)

    def __len__(self) -> int:
        return len(self._blocks)

    def families_with(self, name: str) -> list[str]:
        """The families that have a block of their own of this name."""
        return sorted(family for family, block in self._blocks if block == name and family not in ("*", STOCK))

    def families(self) -> set[str]:
        """Every family that a block is registered for."""
        return {family for family, _ in self._blocks} - {"*"}

    def blocks(self) -> list[Block]:
        """Every block, by name and then by family."""
        return sorted(self._blocks.values(), key=lambda block: (block.name.lower(), block.family))

    def names(self, family: str) -> list[str]:
        """Every name that a row of this family may use."""
        return sorted({name for owner, name in self._blocks if owner in (family, "*", STOCK)})

    def nearest(self, name: str, family: str) -> list[str]:
        """The registered names nearest to a mistyped one."""
        return nearest(name, self.names(family))


registry = Registry()
"""The process's registry: stock blocks, the families in use, plugins."""


@overload
def register(
    name: str,
    factory: None = None,
    *,
    rule: Rule | None = None,
    family: str | Sequence[str] = "*",
    light_head: bool = False,
) -> Callable[[F], F]: ...
@overload
def register(
    name: str,
    factory: F,
    *,
    rule: Rule | None = None,
    family: str | Sequence[str] = "*",
    light_head: bool = False,
) -> F: ...
def register(
    name: str,
    factory: F | None = None,
    *,
    rule: Rule | None = None,
    family: str | Sequence[str] = "*",
    light_head: bool = False,
) -> F | Callable[[F], F]:
    """Register a block under the name that YAML rows use.

    As a decorator over the class, or called with the class (or any function that returns a module).

    Args:
        name: What rows write in their third column.
        factory: The class, where it is not decorated.
        rule: How a row becomes a constructor call; one of `archprof.builder.rules` or your own function.
            Without one the constructor gets (channels in, channels out, the remaining arguments), channels
            out being the row's first argument scaled by the width, as for a convolution.
        family: The family or families whose rows mean this block by the name; "*" for all of them.
        light_head: Whether a detection head in a later row gets the depthwise class branch of YOLO11 and later,
            as after Ultralytics' C3k2.

    Raises:
        RegistrationError: Where a family has that name already.
    """
    from archprof.builder import rules

    if not isinstance(name, str) or not name.strip():
        hint = "give the name that rows use: @archprof.register('MyBlock')"
        raise RegistrationError(f"a block is registered without a name: register({name!r})", hint=hint)
    chosen = rule or rules.convolution
    families = (family,) if isinstance(family, str) else tuple(family)

    def add(factory: F) -> F:
        for owner in families:
            registry.add(Block(name, factory, chosen, owner, light_head))
        return factory

    return add if factory is None else add(factory)
