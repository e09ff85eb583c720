"""Why counters disagree: each one's figure, and the way from the exact count to it."""
