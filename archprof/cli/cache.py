"""``archprof cache``."""

from typing import Annotated

from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.errors import OutputError

Clear = Annotated[bool, o.option("--clear", help="Delete cached results; calibrations stay.")]


@command
def cache(clear: Clear = False) -> None:
    """Show how many results are cached and where, or delete them."""
    from archprof import units
    from archprof.cache import folder
    from archprof.cache.store import ROWS, Store

    store = Store(folder())
    hint = "every result is counted anew; ARCHPROF_CACHE_DIR=FOLDER in the environment names another folder"
    error = OutputError(f"cannot be used: {store.fault}", path=store.folder, hint=hint) if store.fault else None
    if error and clear:
        raise error
    count, size = store.usage()
    rows, row_size = store.usage(ROWS)
    results = units.plural(count, "result")
    of_rows = f" ({units.plural(rows, 'record')} of rows, {units.size(row_size)})" if rows else ""
    if clear:
        store.clear()
        console.write(f"deleted {results}, {units.size(size)}, from {store.folder}\n")
    else:
        limit = units.size(store.limit)
        console.write(f"{results}, {units.size(size)} of at most {limit}{of_rows}, in {store.folder}\n")
    if error:
        raise error
