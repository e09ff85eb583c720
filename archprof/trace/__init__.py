"""Module and input -> Trace: one pass that records every operation, its shapes, and the module that ran it."""
