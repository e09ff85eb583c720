"""How long a model takes: clocks, samplers and backends, the statistics of what they measured, and the report of it."""
