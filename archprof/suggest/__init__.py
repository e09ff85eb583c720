"""The best variant under budgets: which convolutions to make dynamic, which widths and depths to take, with a proof."""
