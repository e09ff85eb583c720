"""A checkpoint file, read without torch and without running its pickle."""
