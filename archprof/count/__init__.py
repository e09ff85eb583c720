"""Trace -> counts: formulas, the three-state ledger, conventions."""
