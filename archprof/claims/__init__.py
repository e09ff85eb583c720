"""Published figures: the files that state them, and what comes out when they are replayed."""
