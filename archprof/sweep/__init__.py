"""Many variants of one model: a plan of what is varied, a store that keeps what was counted, engines that count."""
