"""What `archprof suggest` takes and reaches, beside greedy rankings and NSGA-II with ten times its processor time.

The convolutions of a model with 2, 4 or 8 experts, under four sets of budgets. The time is processor time, of measuring
the costs and of solving, once libraries are loaded. Shares are of the parameters that the bound allows to be gained.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import optuna

from archprof.builder.options import Options
from archprof.sources.reference import resolve
from archprof.suggest.additive import parse_budgets
from archprof.suggest.deltas import measure_deltas
from archprof.suggest.problem import Problem, Question
from archprof.suggest.solver import solve

if TYPE_CHECKING:
    from archprof.suggest.programme import Programme

EXPERTS = (2, 4, 8)
BUDGETS = (
    ("flops=+0.1%", "bytes=+5%", "weights=20MB"),
    ("flops=+0.1%", "bytes=+5%"),
    ("bytes=+5%",),
    ("flops=+0.2%", "bytes=+10%"),
)


def evolved(programme: Programme, seconds: float) -> int:
    """The best that NSGA-II finds in some processor time."""
    best = 0
    end = time.process_time() + seconds

    def objective(trial: optuna.Trial) -> float:
        nonlocal best
        choices = [trial.suggest_int(str(index), 0, len(group)) for index, group in enumerate(programme.groups)]
        taken = [group[choice - 1] for group, choice in zip(programme.groups, choices, strict=True) if choice]
        excess = max([row.load(taken) / max(row.limit, 1) - 1 for row in programme.rows])
        if excess > 0:
            return -excess
        best = max(best, programme.value(taken))
        return float(programme.value(taken))

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if time.process_time() > end:
            study.stop()

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.NSGAIISampler(seed=0))
    study.enqueue_trial({str(index): 0 for index in range(len(programme.groups))})
    study.optimize(objective, callbacks=[stop])
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="yolo11n")
    parser.add_argument("--budgets", type=int, default=len(BUDGETS), help="how many of the sets of budgets")
    parser.add_argument("--factor", type=float, default=10.0, help="how many times its time NSGA-II gets")
    arguments = parser.parse_args()
    spec, options = resolve(arguments.model), Options()
    measure_deltas(spec, options, EXPERTS[:1])  # torch, Ultralytics and what they load when they are first used
    print("budgets                                       time      gap  per FLOP  per byte  NSGA-II")
    for texts in BUDGETS[: arguments.budgets]:
        begin = time.process_time()
        budgets = tuple(parse_budgets(texts, []))
        problem = Problem(measure_deltas(spec, options, EXPERTS), Question(experts=EXPERTS, budgets=budgets))
        solution = solve(problem.programme)
        seconds = time.process_time() - begin
        assert solution is not None
        base = problem.goal_total(0)
        shares = [(other.goal - base) / solution.bound for other in problem.heuristics()]
        shares.append(evolved(problem.programme, arguments.factor * seconds) / solution.bound)
        gap = (solution.bound - solution.value) / problem.goal_total(solution.value)
        columns = "  ".join(f"{100 * share:7.2f}%" for share in shares)
        print(f"{' '.join(texts):42}  {seconds:5.2f} s  {100 * gap:.4f}%  {columns}", flush=True)


if __name__ == "__main__":
    main()
