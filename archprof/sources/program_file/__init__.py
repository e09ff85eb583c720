"""Exported programs (``.pt2``), as ``torch.export.save`` writes them: read without torch, nothing in them is run."""
