"""What a comparison is about: references, some of which mean what a file keeps, and options for all the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from archprof.pipeline.request import PredictionRequest, Request
from archprof.sources.selection import twins
from archprof.sources.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.budgets.saved_models import Entry, SavedFile
    from archprof.builder.options import Options
    from archprof.compare.model import Model as Known
    from archprof.records.profile import Profile
    from archprof.sources.selection import Selection


P = TypeVar("P")
"""What comes of a request: a profile, or also what was wrong with it."""


@dataclass(frozen=True, slots=True)
class ComparisonInputs:
    """What is compared, in order.

    Attributes:
        references: What names each.
        models: What is kept of each, or else the spec that is to be profiled.
        options: How that is to be done.
    """

    references: Sequence[object]
    models: Sequence[Spec | Profile | Known]
    options: Options

    @property
    def static(self) -> list[bool]:
        """Which of them are meant as their static equivalents."""
        return twins(self.references, static=self.options.static)

    def counted(
        self, count: Callable[[Sequence[Request]], Sequence[P]], conventions: tuple[str, ...] = ()
    ) -> list[Profile | Known | P]:
        """What is compared, each spec profiled; nothing is asked for where all is kept."""
        requests = [
            Request(
                model,
                replace(self.options, static=static),
                conventions,
                prediction=PredictionRequest(device=self.options.device),
            )
            for model, static in zip(self.models, self.static, strict=True)
            if isinstance(model, Spec)
        ]
        profiles = iter(count(requests))
        return [next(profiles) if isinstance(model, Spec) else model for model in self.models]

    def labels(self, names: Sequence[str]) -> list[str]:
        """What to call them: a static equivalent that stands beside its model says that it is one."""
        static = self.static
        return [
            f"{name}, static equivalent" if is_static and not all(static) else name
            for name, is_static in zip(names, static, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Named:
    """What a reference means: a saved file, or else a model.

    Attributes:
        reference: What was typed.
        file: The file.
        spec: The model.
    """

    reference: str
    file: SavedFile | None
    spec: Spec | None


def find(reference: str, selection: Selection) -> Named:
    """What a reference means.

    Raises:
        ArchprofError: Where it means nothing, or not one model.
    """
    from archprof.budgets import saved_models

    file = saved_models.find(reference)
    return Named(reference, file, None if file else selection.find(reference)[0])


def inputs_of(named: Sequence[Named], selection: Selection, options: Options) -> ComparisonInputs:
    """What is compared.

    Where a reference means an entry of a lock file, all that is not kept is built and run as that entry was.

    Args:
        named: What was named.
        selection: Which variant of it was asked for.
        options: The same, and how it is to be run.

    Raises:
        ArchprofError: Where a file has no entry that fits.
    """
    references = [model.reference for model in named]
    files = [model.file for model in named]
    specs = [model.spec for model in named]
    if not any(files):
        return ComparisonInputs(references, [spec for spec in specs if spec], options)
    entries = _entries(files, [spec for spec in specs if spec], _requested(selection, options))
    for index, entry in entries.items():
        if (file := files[index]) and file.locked:
            specs, options = _as_locked(entry, specs, options)
            break
    models: list[Spec | Profile | Known] = []
    for index, spec in enumerate(specs):
        models.append(spec or entries[index].model(references[index]))
    return ComparisonInputs(references, models, options)


def _entries(files: Sequence[SavedFile | None], specs: Sequence[Spec], settings: dict[str, str]) -> dict[int, Entry]:
    """By its index the entry of each file; those first that are named or alone, since the others may go by them."""
    from archprof.budgets.select_entry import select

    entries: dict[int, Entry] = {}
    with_file = [(index, file) for index, file in enumerate(files) if file]
    for index, file in sorted(with_file, key=lambda pair: not pair[1].fragment and len(pair[1].entries) > 1):
        entries[index] = select(file, settings, [*specs, *entries.values()])
    return dict(sorted(entries.items()))


def _requested(selection: Selection, options: Options) -> dict[str, str]:
    """What was asked for, as a lock file calls it."""
    from archprof.budgets.settings import plain

    values = {
        "scale": selection.scale,
        "imgsz": "x".join(map(str, options.size)) if options.size else None,
        "input": [spec.text for spec in options.inputs] or None,
        "batch": options.batch if options.batch != 1 else None,
        "channels": options.channels,
        "nc": selection.nc,
        "set": dict(selection.settings) or None,
        "fuse": options.fuse or None,
        "backward": options.backward or None,
        "dtype": options.dtype if options.dtype != "float32" else None,
    }
    return {key: plain(value) for key, value in values.items() if value is not None}


def _as_locked(entry: Entry, specs: Sequence[Spec | None], options: Options) -> tuple[list[Spec | None], Options]:
    """Specs and options as an entry of a lock file has them; a scale that a reference names stays."""
    from archprof.budgets.settings import options_of, values_of
    from archprof.sources import reference as references
    from archprof.sources import settings as values

    locked_settings = values_of(entry.settings)
    changes = {**locked_settings.get("set", {}), **({"nc": locked_settings["nc"]} if "nc" in locked_settings else {})}

    def changed(spec: Spec | None) -> Spec | None:
        if spec is None:
            return None
        if spec.scale_assumed and locked_settings.get("scale") in spec.scales:
            spec = references.resolve(spec.reference, scale=locked_settings["scale"])
        return values.apply(spec, changes)

    locked = options_of(locked_settings)
    return [changed(spec) for spec in specs], replace(
        locked, device=options.device, static=options.static or locked.static
    )
