"""What a repository holds its models to: the budget file, the variants that it is about, and the lock file."""
