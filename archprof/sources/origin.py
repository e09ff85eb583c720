"""What an origin of models is. Each is one file in :mod:`archprof.sources.origins`, and registers itself there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from archprof.sources.files import names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.sources.spec import Spec


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    Attributes:
        text: The reference, or the same without the scale that its name has.
        reference: What the user typed.
        scale: The scale that an option asks for.
        named_scale: The scale that was taken out of the name; it counts where no option asks for one.
    """

    text: str
    reference: str
    scale: str | None = None
    named_scale: str | None = None


class Origin(ABC):
    """Somewhere that models come from. It may look at files, and must not import torch."""

    order: ClassVar[int]
    """Origins are asked in this order, the smallest number first; archprof's own have 10 to 70."""

    form: ClassVar[str]
    """How its references are written, as ``timm:NAME``, for messages."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """The extensions of its files, where it has files: those that a folder is searched for."""

    @abstractmethod
    def find(self, query: Query) -> Spec | None:
        """The spec of a model; None where the text is no reference of this origin, or it has no such model.

        Raises:
            ArchprofError: Where the text can only be meant for this origin, and is wrong.
        """

    def names(self, folder: Path) -> Mapping[str, str]:
        """What may have been meant by a mistyped reference: name -> what to type.

        Args:
            folder: The folder that the reference names; the working folder where it names none.
        """
        return {Path(name).stem: str(folder / name) for name in names_in(folder, self.suffixes)}
