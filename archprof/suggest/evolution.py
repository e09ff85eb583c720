"""NSGA-II over the variants of a model, where they are too many to count: it finds good ones, and proves nothing.

Optuna has it; nothing else here needs Optuna, so it is a package that is installed with ``archprof[search]``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.records.variation import VariedModel

VARIANTS = 1_000
"""How many variants are counted."""

GENERATION = 50
"""How many at once."""

STALE = 20
"""After how many generations with nothing new the search ends."""

Genes = tuple[int, ...]


def evolve(
    sizes: Sequence[int],
    models_of: Callable[[Sequence[Genes]], list[VariedModel]],
    fitness: Callable[[VariedModel], float],
    seeds: Sequence[Genes] = (),
) -> dict[Genes, VariedModel]:
    """Variants that were counted, in search of the fittest.

    Args:
        sizes: How many choices each gene has.
        models_of: Counts variants.
        fitness: How good a variant is; the more, the better.
        seeds: What the search begins with.

    Raises:
        UsageError: Where Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise UsageError(
            "there are too many variants to count all, and Optuna, which searches among them, is not installed",
            hint="pip install 'archprof[search]', or fewer values",
        )
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.NSGAIISampler(population_size=GENERATION, seed=0)
    )
    for seed in seeds:
        study.enqueue_trial({str(gene): value for gene, value in enumerate(seed)})
    counted: dict[Genes, VariedModel] = {}
    stale = 0
    while len(counted) < VARIANTS and stale < STALE:
        trials = [study.ask() for _ in range(GENERATION)]
        genes = [
            tuple(trial.suggest_int(str(gene), 0, size - 1) for gene, size in enumerate(sizes)) for trial in trials
        ]
        new = [entry for entry in dict.fromkeys(genes) if entry not in counted]
        counted |= dict(zip(new, models_of(new), strict=True))
        stale = 0 if new else stale + 1
        for trial, entry in zip(trials, genes, strict=True):
            study.tell(trial, fitness(counted[entry]))
    return counted
