"""Expected CLs limits and discovery significance of a HistFactory model, asymptotically."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyhf
from iminuit import Minuit
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from analysis.statistics.profile import Profile
from common.errors import NoLimitError

BANDS = (-2, -1, 0, 1, 2)
_LARGEST = 1e6
_PRECISION = 1e-8  # of a limit, relative: a bin of 10⁶ events takes a limit to 10⁻³ of itself
TOLERANCE = 0.004  # on √q, which moves CLs at a limit of 0.05 by less than 0.0005
_ROUNDS = 3


@dataclass(frozen=True)
class ExpectedLimit:
    """Upper limits on μ expected without signal, at −2, −1, 0, 1 and 2 σ."""

    values: tuple[float, ...]
    errors: tuple[float, ...] = (0.0,) * 5

    @property
    def median(self) -> float:
        """The limit of the median experiment."""
        return self.values[2]

    def scaled(self, factor: float) -> "ExpectedLimit":
        """Return the limits in another unit of μ."""
        return ExpectedLimit(
            tuple(factor * v for v in self.values), tuple(factor * e for e in self.errors)
        )


def root_q(band: int, confidence_level: float) -> float:
    """Return √q_A at the expected limit of a band.

    CLs = (1 − Φ(√q_A − N)) / Φ(N) = 1 − CL, solved for √q_A (arXiv:1007.1727, eq. 89).

    Examples
    --------
    >>> round(root_q(0, 0.95), 3)  # Φ⁻¹(0.975)
    1.96
    """
    return float(norm.isf((1 - confidence_level) * norm.cdf(band)) + band)


def expected_limit(model: pyhf.Model, confidence_level: float) -> ExpectedLimit:
    """Return the expected CLs limits on the parameter of interest (q̃, asymptotic).

    All bands follow from one function, √q_A(μ) on the Asimov data of μ = 0, where the
    unconditional fit is known and each μ takes a single conditional fit.

    Parameters
    ----------
    model : pyhf.Model
        Signal scaled so that the limit is of order one.
    confidence_level : float
        For example 0.95.

    Raises
    ------
    NoLimitError
        If a second minimiser goes on finding deeper minima, or no μ up to 1e6 is excluded.
    """
    profile = Profile(model, 0.0)
    targets = [root_q(band, confidence_level) for band in BANDS]
    for _ in range(_ROUNDS):
        upper = _bracket(profile.root_q, targets[-1])
        values = tuple(_crossing(profile.root_q, target, upper) for target in targets)
        deeper = _deeper_minimum(profile, values)
        if deeper is None:
            return ExpectedLimit(values)
        profile.learn(deeper)
    raise NoLimitError(
        f"the fits around μ = {values[2]:.4g} do not converge: a second minimiser finds a deeper "
        f"minimum, {_ROUNDS} times over"
    )


def _deeper_minimum(profile: Profile, values: Sequence[float]) -> NDArray[np.float64] | None:
    """Let Minuit look for a deeper minimum at the limits found; return where there is one."""
    if profile.free.any():
        for mu in values:
            minimum, parameters = second_minimum(profile, mu)
            if minimum < profile.root_q(mu) - TOLERANCE:
                return parameters
    return None


def second_minimum(profile: Profile, mu: float) -> tuple[float, NDArray[np.float64]]:
    """Return √q and the parameters, [P], at given signal strength as Minuit finds them."""
    start, bounds = profile.nominal.copy(), [tuple(bound) for bound in profile.bounds]
    start[profile.model.config.poi_index] = mu
    bounds[profile.model.config.poi_index] = (None, None)
    minuit = Minuit(profile.deviance, start)
    minuit.limits = bounds
    minuit.fixed = ~profile.free
    minuit.migrad()
    return float(max(minuit.fval, 0.0) ** 0.5), np.array(minuit.values)


def discovery_significance(model: pyhf.Model, mu: float) -> float:
    """Return the median significance √q₀ of a signal μ (arXiv:1007.1727, eq. 52)."""
    return Profile(model, mu).root_q(0.0)


def _bracket(root: Callable[[float], float], target: float) -> float:
    upper = 1.0
    while root(upper) < target:
        upper *= 2
        if upper > _LARGEST:
            raise NoLimitError(f"no signal strength up to {_LARGEST:g} is excluded")
    return upper


def _crossing(root: Callable[[float], float], target: float, upper: float) -> float:
    precision = {"xtol": _PRECISION**2, "rtol": _PRECISION}
    return float(brentq(lambda mu: root(mu) - target, 0.0, upper, **precision))


def cls_at(model: pyhf.Model, mu: float) -> Sequence[float]:
    """Return the expected CLs values (−2 … 2 σ) at `mu` by pyhf's own calculator."""
    nominal = list(model.config.suggested_init())
    nominal[model.config.poi_index] = 0.0
    data = model.expected_data(nominal)
    bounds = [list(b) for b in model.config.suggested_bounds()]
    bounds[model.config.poi_index][1] = max(10.0, 2 * mu)
    observed_and_expected = pyhf.infer.hypotest(
        mu, data, model, par_bounds=bounds, return_expected_set=True
    )
    return [float(value) for value in observed_and_expected[1]]
