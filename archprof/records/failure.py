"""A model without a result, where the results of several were asked for: it stays in the list, with the reason."""

from __future__ import annotations

from archprof.records.record import Record


class Failure(Record, frozen=True, kw_only=True):
    """What was typed, and why there is no figure of it."""

    reference: str
    scale: str | None = None
    error: str

    @property
    def headline(self) -> str:
        """The reason."""
        return f"{self.reference}: {self.error}"
