"""Every operation that torch's own tables, modules and distributions run has a state, or a reason to be unknown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import distributions

from archprof.count.ledger import Ledger, count
from archprof.errors import RunError
from archprof.trace.run import trace, trace_values

from .conventions.generated import MODULES, OPERATIONS, Case, modules, operations
from .function import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

# These iterate until they converge, and how often depends on the values; or their windows and lengths are values.
BY_VALUES = {
    *("aten._linalg_svd", "aten._linalg_eigh", "aten.linalg_eig", "aten.linalg_pinv", "aten.linalg_lstsq"),
    *("aten.linalg_matrix_exp", "aten.linalg_matrix_sqrth", "aten.linalg_polar"),
    "aten.multilabel_margin_loss_forward",
    # As many products as there are elements in a sparse matrix.
    *("aten.sparse_sampled_addmm", "aten._sparse_mm_reduce_impl"),
}


def ledgers(case: Case) -> Iterator[Ledger]:
    """With values and without, where it runs so."""
    for run in (trace, trace_values):
        try:
            yield count(run(case.model, case.inputs, case.keywords))
        except RunError:
            continue


def unknown(cases: Iterator[Case]) -> set[str]:
    return {name for case in cases for ledger in ledgers(case) for name in ledger.unknown} - BY_VALUES


# In CI a seventh of them; the rest in the full matrix.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [name if not index % 7 else pytest.param(name, marks=pytest.mark.full) for index, name in enumerate(OPERATIONS)],
)
def test_operations(name: str) -> None:
    assert unknown(operations(name)) == set()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str) -> None:
    assert unknown(modules(name)) == set()


SHARES, ZEROS, ONES, MATRIX = torch.tensor([0.25, 0.75]), torch.zeros(2), torch.ones(2), torch.eye(2)
_ONE = """
    Bernoulli Categorical Chi2 ContinuousBernoulli Dirichlet Exponential Geometric HalfCauchy HalfNormal Poisson
    OneHotCategorical OneHotCategoricalStraightThrough StudentT
"""
_TWO = """
    Beta Cauchy FisherSnedecor Gamma Gumbel InverseGamma Kumaraswamy Laplace LogNormal Normal Pareto VonMises Weibull
    RelaxedBernoulli RelaxedOneHotCategorical NegativeBinomial
"""
DISTRIBUTIONS: dict[str, tuple[torch.Tensor, ...]] = {
    **dict.fromkeys(_ONE.split(), (SHARES,)),
    **dict.fromkeys(_TWO.split(), (SHARES, SHARES)),
    "MultivariateNormal": (ZEROS, MATRIX),
    **dict.fromkeys(("LogisticNormal", "Uniform"), (ZEROS, ONES)),
    "Binomial": (torch.tensor([3.0, 4.0]), SHARES),
    "GeneralizedPareto": (ZEROS, ONES, ONES),
    "LowRankMultivariateNormal": (ZEROS, torch.ones(2, 1), ONES),
    "Multinomial": (torch.tensor(1), SHARES),
    "Wishart": (torch.tensor(30.0), MATRIX),
}
# These are made of others, or of a number and no tensor.
_OTHERS = {
    "Distribution",
    "ExponentialFamily",
    "TransformedDistribution",
    "Independent",
    "MixtureSameFamily",
    "LKJCholesky",
}


def test_every_distribution_is_tried() -> None:
    classes = {
        name
        for name in distributions.__all__
        if inspect.isclass(kind := getattr(distributions, name)) and issubclass(kind, distributions.Distribution)
    }
    assert classes - _OTHERS == set(DISTRIBUTIONS)


@pytest.mark.filterwarnings("ignore:Singular sample detected")
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name: str) -> None:
    kind: Any = getattr(distributions, name)

    def draw(*parameters: torch.Tensor) -> torch.Tensor:
        if name == "Multinomial":
            parameters = (int(parameters[0]), parameters[1])  # type: ignore[assignment]
        # The constructor looks at each parameter and asks whether all of it is in range.
        result: torch.Tensor = kind(*parameters, validate_args=True).sample()
        return result

    ledger = count(trace_values(Function(draw), DISTRIBUTIONS[name]))
    assert ledger.unknown == {}
    assert name in ("LogisticNormal", "MultivariateNormal", "LowRankMultivariateNormal", "Wishart") or any(
        entry.operation.name == "aten._is_all_true" for entry in ledger.entries
    )
