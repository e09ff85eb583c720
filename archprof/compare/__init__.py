"""Profiles -> what differs between them, row by row, and why. Nothing here needs torch."""
