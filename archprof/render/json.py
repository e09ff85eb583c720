"""JSON: the profile as it is saved, or a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.table import Table


def one(profile: Profile, table: Table | None, view: View) -> str:
    """One profile, whole: options that cut or sort a table do not change what is saved."""
    return profile.to_json() + "\n"


def several(profiles: Sequence[Profile], table: Table, view: View) -> str:
    """A list of profiles."""
    return "[" + ",\n".join(profile.to_json() for profile in profiles) + "]\n"
