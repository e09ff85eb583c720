"""Profiles -> plain data: what holds of them, free of torch and of any output format."""
