"""Reference -> spec: what the user typed, read and checked, without importing torch."""
