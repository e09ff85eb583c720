from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archprof import cache
from archprof.builder.options import Options
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.cache import code_files
from archprof.pipeline import Request, composition
from archprof.pipeline.composition import shelf
from archprof.pipeline.counting import profile_spec
from archprof.sources import families

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec


class Rows:
    """Profiles from rows: counted row by row, put together from what is known, or counted as a whole."""

    def __init__(self) -> None:
        # These set environment variables that are part of the surroundings.
        import_ultralytics()

    def request(
        self, spec: Spec, *, level: str = "full", conventions: tuple[str, ...] = ("flops",), **options: Any
    ) -> Request:
        return Request(spec, Options(**options), conventions, level)  # type: ignore[arg-type]

    def count(self, request: Request, plugins: tuple[str, ...] = ()) -> Profile | None:
        """Rows that are not known are counted, and kept on disk."""
        profile = composition.count(request, plugins)
        composition.write(
            code_files.used({family.package.partition(".")[0] for family in families.families().values()})
        )
        return profile

    def known(self, request: Request, plugins: tuple[str, ...] = ()) -> Profile | None:
        """As a new process finds them on disk."""
        shelf.shelves.clear()
        return composition.known(request, plugins)

    def whole(self, request: Request) -> Profile:
        return profile_spec(request.spec, request.build, request.conventions, level=request.level)

    def check(self, request: Request) -> None:
        """What is put together from rows, counted and known, is what a pass of the whole gives, byte for byte."""
        whole = self.whole(request).to_json()
        counted, known = self.count(request), self.known(request)
        assert counted is not None
        assert known is not None
        assert counted.to_json() == whole
        assert known.to_json() == whole


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, forget_written: Callable[[pytest.MonkeyPatch], None]) -> Any:
    """With a cache of the module's own, so that rows are shared by its tests."""
    with pytest.MonkeyPatch.context() as patch:
        forget_written(patch)
        patch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(cache, "enabled", True)
        shelf.shelves.clear()
        yield Rows()
        shelf.shelves.clear()
