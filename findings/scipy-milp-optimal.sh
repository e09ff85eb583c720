#!/usr/bin/env bash
# Six jobs on three machines, the longest machine as short as possible. Costs in nanoseconds are numbers around 1e9.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages scipy==1.17.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

COSTS = [100_000_000, 2_000_000_000, 900_000_000, 7_800_000_000, 500_000_000, 8_600_000_000]
MACHINES = 3
jobs = len(COSTS)


def solve(unit):
    """Minimise T with every job on one machine and each machine's load at most T; costs are divided by the unit."""
    rows, low, high = [], [], []
    for job in range(jobs):
        row = np.zeros(jobs * MACHINES + 1)
        row[job * MACHINES : (job + 1) * MACHINES] = 1
        rows, low, high = [*rows, row], [*low, 1], [*high, 1]
    for machine in range(MACHINES):
        row = np.zeros(jobs * MACHINES + 1)
        row[machine : jobs * MACHINES : MACHINES] = np.array(COSTS) / unit
        row[-1] = -1
        rows, low, high = [*rows, row], [*low, -np.inf], [*high, 0]
    whole = [1] * (jobs * MACHINES) + [0]
    limits = Bounds(0, [1] * (jobs * MACHINES) + [np.inf])
    return milp(np.array(whole) == 0, constraints=LinearConstraint(rows, low, high), integrality=whole, bounds=limits)


raw, scaled = solve(1), solve(1e9)
print("a good guess: status 0 with a gap of 0 is the optimum, 8.6e9 (the longest job has a machine to itself)")
print(f"costs as they are: status {raw.status}, gap {raw.mip_gap}, {raw.fun:.4g}")
print(f"costs / 1e9: status {scaled.status}, gap {scaled.mip_gap}, {scaled.fun * 1e9:.4g}")
same = raw.status == 0 and raw.mip_gap == 0 and raw.fun > 1.5 * max(COSTS) and round(scaled.fun, 6) == 8.6
sys.exit(None if same else "the behaviour has changed")
PYTHON
