"""What is wrong with a checkpoint file."""

from __future__ import annotations

from archprof.errors import ArchprofError


class CheckpointError(ArchprofError):
    """A file that is not a checkpoint, is damaged, or passes a limit."""


class WeightsOnlyError(CheckpointError):
    """A file of weights without the architecture that they are for."""
