"""``models/*.yaml`` and a folder -> the models in them: other files that lie beside them are left out, and named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, NotAVariantError, UnknownReferenceError
from archprof.sources import misread
from archprof.sources.checkpoint.error import NoModelError
from archprof.sources.origins import model_suffixes
from archprof.sources.reference import resolve
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class ExcludedError(UnknownReferenceError):
    """A folder or a pattern of which every file is left out."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What some references mean.

    Attributes:
        references: Each reference, a folder or a pattern replaced by the models in it.
        left_out: The files of these that are no models, and what each is.
    """

    references: tuple[str, ...]
    left_out: Mapping[str, str]


def expand(
    texts: Sequence[str], suffixes: tuple[str, ...] = (), excluded: Callable[[str], bool] = lambda file: False
) -> Expansion:
    """Replace folders and patterns by the models in them. A file that is meant as a model and is wrong stays.

    Args:
        texts: What was typed.
        suffixes: The endings of what a pattern may match besides models; others are left out.
        excluded: Whether a file that a folder or a pattern means is left out, without a word.

    Raises:
        ExcludedError: Where all of them are left out.
        UnknownReferenceError: Where a folder or a pattern has no model.
        VariantError: Where a folder has no file that may be one.
    """
    references: list[str] = []
    left_out: dict[str, str] = {}
    for text in texts:
        files = misread.matches(text)
        if files is None or _is_model(text):
            references.append(text)
            continue
        if not files:
            raise misread.nothing_there(text)
        if not (included := [file for file in files if not excluded(file)]):
            raise ExcludedError(f"no model in {text!r}: the project excludes {plural(len(files), 'file')} of it")
        reasons = {file: _reason(file, suffixes) for file in included}
        models = [file for file, reason in reasons.items() if reason is None]
        others = {file: reason for file, reason in reasons.items() if reason is not None}
        if not models:
            hint = "\n".join(f"{file}: {reason}" for file, reason in others.items())
            raise UnknownReferenceError(f"no model in {text!r}", hint=hint)
        references += models
        left_out.update(others)
    return Expansion(tuple(references), left_out)


def _is_model(text: str) -> bool:
    """Whether a text is a reference as it stands, as ``yolov8n`` is beside a folder of that name."""
    try:
        resolve(text)
    except ArchprofError:
        return False
    return True


def _reason(file: str, suffixes: tuple[str, ...]) -> str | None:
    """Why a file is no model; None for a model, and for what is meant as one."""
    models = model_suffixes()
    if not file.endswith((*models, *suffixes)):
        return f"a file of another kind than {', '.join((*models, *suffixes))}"
    if not file.endswith(models):
        return None
    try:
        resolve(file)
    except (NotAVariantError, NoModelError) as error:
        return error.message
    except ArchprofError:
        return None
    return None
