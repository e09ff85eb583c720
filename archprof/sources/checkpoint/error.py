"""What is wrong with a checkpoint file."""

from __future__ import annotations

from archprof.errors import ArchprofError


class CheckpointError(ArchprofError):
    """A file that is not a checkpoint, is damaged, or passes a limit."""


class NoModelError(CheckpointError):
    """A file of ``torch.save`` in which no model is, as a log or an optimiser's state."""
