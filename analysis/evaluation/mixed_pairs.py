"""Which events to mix: pairs of fat jets whose scores tell the tail of a background.

The chance of a mixed event is that of jet 2 among the events whose jets have the same momenta as
the event of jet 1: their weights, times a Gaussian in ln pT of jet 2, in ln(pT₁/pT₂) and in |η| of
jet 2. Of these pairs, most of which would have low scores, those are scored that may pass hard
cuts; their weights make up for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.datasets.features import log_gev
from common.angles import delta_phi
from common.columns import Columns
from common.features import KINEMATIC_FEATURES

PT_WIDTH = 0.06
"""Width of the Gaussian in ln pT of jet 2 and in ln(pT₁/pT₂)."""
ETA_WIDTH = 0.3
"""Width of the Gaussian in |η| of jet 2."""
FURTHEST = 4.0
"""Distance in these widths up to which events are alike."""
PER_EVENT = 64
"""Candidates for the place of an event's jet 2."""
POOL = 1 << 15
"""Events that are mixed at most; of more, some at random."""
MARGIN = 0.05
"""By how much masses and m_JJ of mixed events may leave the range of those with high scores."""
_CELL = 2.0  # in widths of the momenta: events whose partners are sought at a time
_STEP = 256  # and at most so many
_FLOOR = 1e-5  # chance of a pair to pass that is never thought to be smaller
_MASS, _ETA, _PHI, _PT = (KINEMATIC_FEATURES.index(n) for n in ("mass", "eta", "phi", "pt"))


@dataclass(frozen=True)
class Pairs:
    """Pairs of events; the first gives fat jet 1, the second fat jet 2.

    Attributes
    ----------
    first, second : NDArray of int, [M]
        Rows of the events.
    weight : NDArray, [M]
        Yields.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weight: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the pairs of all parts; at least one part."""
        names = ("first", "second", "weight")
        return cls(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))

    def distinct(self) -> Self:
        """Return each pair once, with the sum of its weights."""
        order = np.lexsort((self.second, self.first))
        first, second = self.first[order], self.second[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(first) != 0) | (np.diff(second) != 0)
        number = np.cumsum(new) - 1
        weight = np.zeros(np.count_nonzero(new))
        np.add.at(weight, number, self.weight[order])
        return type(self)(first[new], second[new], weight)


@dataclass(frozen=True)
class Window:
    """Ranges of ln m of both jets and of ln m_JJ: of what is mixed, the rest stays as it is."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def around(cls, kinematics: NDArray[np.float32]) -> Self:
        """Return that of events [N, 3, 6], and a margin."""
        values = log_gev(kinematics[..., _MASS])
        return cls(values.min(axis=0) - MARGIN, values.max(axis=0) + MARGIN)

    def holds(self, kinematics: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return whether each event [N, 3, 6] is inside."""
        values = log_gev(kinematics[..., _MASS])
        return np.all((values >= self.low) & (values <= self.high), axis=1)


def draw_pairs(
    events: Columns,
    log_odds: NDArray[np.float64],
    weight: NDArray[np.float64],
    fold: NDArray[np.integer],
    aim: float,
    number: int,
    features: tuple[Sequence[str], Sequence[str]],
    rng: np.random.Generator,
) -> Pairs:
    """Draw pairs of events that tell what passes cuts like `aim`.

    Parameters
    ----------
    events : Columns
        Tensors of N events, as in a dataset.
    log_odds, weight : [N]
        Their own scores and yields.
    fold : [N] int
        Events of different folds are not paired.
    aim : float
        A cut, in log-odds.
    number : int
        Pairs to score.
    features : (sequence of str, sequence of str)
        Names of the columns of constituents and subjets.
    rng : Generator

    Returns
    -------
    Pairs
        Their weights add up to those of the events on average, in every region.
    """
    drawn = candidates(events["kinematics"], weight, fold, rng).distinct()
    expected, spread = expected_scores(events, log_odds, drawn, *features)
    return chosen(drawn, expected, spread, aim, number, rng)


def candidates(
    kinematics: NDArray[np.float32],
    weight: NDArray[np.float64],
    fold: NDArray[np.integer],
    rng: np.random.Generator,
    per_event: int = PER_EVENT,
) -> Pairs:
    """Draw partners for each event, among the others of its fold.

    Parameters
    ----------
    kinematics : [N, 3, 6]
        In the order of `KINEMATIC_FEATURES`.
    weight : [N]
        Yields.
    fold : [N] int
        Events of different folds are not mixed: a network that has seen neither scores them.
    rng : Generator
    per_event : int
        Partners of an event in the mean; their number rises with the root of its weight.

    Returns
    -------
    Pairs
        The weights of an event's pairs add up to its own on average. An event without partners
        is paired with itself.
    """
    size = np.sqrt(np.abs(weight))
    mean = max(float(size.sum()), 1e-300) / max(len(size), 1)
    number = np.ceil(per_event * size / mean).astype(np.intp)
    momenta = Momenta.of(kinematics)
    parts = [
        _partners(momenta, weight, number[block], block, near, rng)
        for one in np.unique(fold)
        for block, near in momenta.neighbourhoods(np.flatnonzero(fold == one))
    ]
    nothing = np.empty(0, np.intp)
    return Pairs.joined([Pairs(nothing, nothing, np.empty(0)), *parts])


@dataclass(frozen=True)
class Momenta:
    """Momenta of the jets in units of the Gaussian's widths.

    Attributes
    ----------
    coordinates : NDArray [N, 3]
        ln pT of jet 2, ln(pT₁/pT₂) and |η| of jet 2.
    pt : NDArray [N, 2]
        In GeV.
    """

    coordinates: NDArray[np.float64]
    pt: NDArray[np.float64]

    @classmethod
    def of(cls, kinematics: NDArray[np.float32]) -> Self:
        """Return that of events [N, 3, 6]."""
        pt = kinematics[:, :2, _PT].astype(np.float64)
        eta = np.abs(kinematics[:, 1, _ETA].astype(np.float64))
        logarithms = np.log(pt[:, 1]), np.log(pt[:, 0] / pt[:, 1])
        columns = [*(x / PT_WIDTH for x in logarithms), eta / ETA_WIDTH]
        return cls(np.stack(columns, axis=1), pt)

    def neighbourhoods(
        self, rows: NDArray[np.intp]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield blocks of rows, side by side in pT, and of all rows those that may be near them."""
        at = self.coordinates[rows, :2]
        cells = np.floor(at / _CELL)
        order = np.lexsort(cells.T)
        steps = np.flatnonzero(np.any(np.diff(cells[order], axis=0) != 0, axis=1)) + 1
        for cell in np.split(order, steps):
            for block in np.split(cell, range(_STEP, len(cell), _STEP)):
                low, high = at[block].min(axis=0) - FURTHEST, at[block].max(axis=0) + FURTHEST
                near = np.all((at >= low) & (at <= high), axis=1)
                yield rows[block], rows[near]

    def likeness(self, block: NDArray[np.intp], own: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return how alike the momenta of the jets are [n, N]; zero for an event and itself."""
        squares = np.zeros((len(block), len(own)), np.float32)
        for x in self.coordinates.T.astype(np.float32):
            squares += (x[own][None] - x[block][:, None]) ** 2
        near = np.exp(-0.5 * squares)
        near *= squares < FURTHEST**2
        near *= self.pt[own, 1][None] <= self.pt[block, 0][:, None]  # jets are ordered in pT
        near[own[None] == block[:, None]] = 0.0
        return near


def _partners(
    momenta: Momenta,
    weight: NDArray[np.float64],
    number: NDArray[np.intp],
    block: NDArray[np.intp],
    own: NDArray[np.intp],
    rng: np.random.Generator,
) -> Pairs:
    """Draw `number` [n] partners among `own` for each event of `block` [n]."""
    near = momenta.likeness(block, own)
    edges = np.cumsum(near * np.abs(weight[own]), axis=1)
    wanted = near @ weight[own]
    alone = (edges[:, -1] <= 0) | (wanted <= 0)
    total = np.where(alone, 1.0, edges[:, -1])
    row = np.repeat(np.arange(len(block)), number)
    step = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    at = (step + rng.random(len(row))) / number[row]
    # one search in all rows: the n-th row's edges run from n to n + 1
    edges /= total[:, None]
    edges[alone] = 1.0
    edges += np.arange(len(block))[:, None]
    found = np.searchsorted(edges.ravel(), at + row, side="right") - row * len(own)
    found = np.minimum(found, len(own) - 1)
    likely = near[row, found] * np.abs(weight[own[found]])
    chance = likely / total[row] * number[row]
    drawn = (chance > 0) & ~alone[row]
    row, found, chance = row[drawn], found[drawn], chance[drawn]
    share = near[row, found] * weight[own[found]] / wanted[row]
    return Pairs(
        np.concatenate([block[row], block[alone]]),
        np.concatenate([own[found], block[alone]]),
        np.concatenate([weight[block[row]] * share / chance, weight[block][alone]]),
    )


def expected_scores(
    events: Columns,
    log_odds: NDArray[np.float64],
    pairs: Pairs,
    constituent_features: Sequence[str],
    subjet_features: Sequence[str],
) -> tuple[NDArray[np.float64], float]:
    """Return what boosted trees expect of the log-odds of pairs [M], and their standard deviation.

    The trees learn from the events themselves, from masses, momenta, subjets and widths of both
    jets. They only say which pairs are worth a score.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import

    jets = jet_variables(events, constituent_features, subjet_features)
    own = np.arange(len(log_odds))
    trees = HistGradientBoostingRegressor(max_leaf_nodes=15, early_stopping=False, random_state=0)
    variables = _pair_variables(jets, events["kinematics"], own, own)
    trees.fit(variables[::2], log_odds[::2])
    left_out = log_odds[1::2] - trees.predict(variables[1::2])
    parts = [
        trees.predict(_pair_variables(jets, events["kinematics"], *rows))
        for rows in zip(*(_split(x) for x in (pairs.first, pairs.second)), strict=True)
    ]
    return np.concatenate(parts), float(np.std(left_out))


def _split(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    yield from np.split(rows, range(1 << 16, len(rows), 1 << 16))


def jet_variables(
    events: Columns, constituent_features: Sequence[str], subjet_features: Sequence[str]
) -> NDArray[np.float32]:
    """Return [N, 2, 12]: what trees see of each fat jet."""
    constituents, subjets = events["constituents"], events["subjets"]
    particles, prongs = events["constituent_mask"], events["subjet_mask"]
    z, distance = (
        constituents[..., list(constituent_features).index(name)]
        for name in ("log_pt_rel", "delta_r")
    )
    z = np.exp(z) * particles
    share, mass, deta, dphi = (
        np.where(prongs, subjets[..., list(subjet_features).index(name)], 0)
        for name in ("log_pt_rel", "log_mass", "deta", "dphi")
    )
    leading = min(3, subjets.shape[2])
    second = min(1, subjets.shape[2] - 1)
    jets = events["kinematics"][:, :2]
    columns = [
        log_gev(jets[..., _MASS]),
        np.log(jets[..., _PT]),
        np.abs(jets[..., _ETA]),
        particles.sum(-1),
        prongs.sum(-1),
        *np.moveaxis(share[..., :leading], -1, 0),
        mass[..., 0],
        np.hypot(deta[..., 0] - deta[..., second], dphi[..., 0] - dphi[..., second]),
        (z * distance).sum(-1),
        (z**2).sum(-1),
    ]
    return np.stack(columns, axis=-1).astype(np.float32)


def _pair_variables(
    jets: NDArray[np.float32],
    kinematics: NDArray[np.float32],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Return the variables of both jets, and of the pair: ln pT₁/pT₂, Δη, Δφ, ln m_JJ."""
    place, jet = kinematics[first, :2].astype(np.float64), kinematics[second, 1].astype(np.float64)
    deta = np.abs(place[:, 0, _ETA] - place[:, 1, _ETA])
    dphi = np.abs(delta_phi(place[:, 0, _PHI], place[:, 1, _PHI]))
    pt, other = place[:, 0, _PT], jet[:, _PT]
    squared = 2 * pt * other * (np.cosh(deta) - np.cos(dphi))
    squared += place[:, 0, _MASS] ** 2 + jet[:, _MASS] ** 2
    pair = np.stack([np.log(pt / other), deta, dphi, np.log(squared) / 2], axis=1)
    return np.concatenate([jets[first, 0], jets[second, 1], pair], axis=1).astype(np.float32)


def chosen(
    pairs: Pairs,
    expected: NDArray[np.float64],
    spread: float,
    aim: float,
    number: int,
    rng: np.random.Generator,
) -> Pairs:
    """Keep about `number` of the pairs, those the likelier that say more of what passes a cut.

    Parameters
    ----------
    pairs : Pairs
    expected : [M]
        Log-odds that they are expected to have.
    spread : float
        Standard deviation of that.
    aim : float
        The cut, in log-odds.
    number : int
    rng : Generator

    Returns
    -------
    Pairs
        Their weights are divided by the chance to be kept: no sum changes on average.
    """
    passes = norm.cdf((expected - aim) / max(spread, 1e-6))
    worth = np.abs(pairs.weight) * np.sqrt(passes + _FLOOR)
    chance = np.minimum(1.0, worth * _scale(worth, number))
    kept = rng.random(len(worth)) < chance
    return Pairs(pairs.first[kept], pairs.second[kept], pairs.weight[kept] / chance[kept])


def _scale(worth: NDArray[np.float64], number: int) -> float:
    """Return what to multiply worths with for chances, at most one each, that add up to a number.

    Examples
    --------
    >>> worth = np.array([1.0, 2.0, 100.0])
    >>> float(np.minimum(1, worth * _scale(worth, 2)).sum().round(6))
    2.0
    """
    falling = np.sort(worth)[::-1]
    if number >= np.count_nonzero(falling):
        largest = np.finfo(np.float64).max / 2  # times the worth it must not overflow
        return float(largest / max(falling[0], 1.0)) if len(falling) else 1.0
    rest = np.cumsum(falling[::-1])[::-1]  # worth of the k-th and all below
    certain = np.arange(len(falling))
    scales = (number - certain) / np.where(rest > 0, rest, np.inf)
    first = int(np.argmax((scales * falling <= 1) & (certain < number)))
    return float(scales[first])


def paired_errors(
    value: NDArray[np.float64],
    weight: NDArray[np.float64],
    first: NDArray[np.integer],
    second: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return errors [M] of the rows whose squares above a cut add up to the variance there.

    Rows of one event are not independent: with T_e, the weight above the cut of the rows that event
    e takes part in, the variance of the yield is Σ_e T_e² − Σ_pairs w² (of an event that is
    paired with itself, w²). A row's square is what it adds when the cut comes down to it.

    Examples
    --------
    >>> value, ones = np.array([3.0, 2.0, 1.0]), np.ones(3)
    >>> paired_errors(value, ones, np.array([1, 1, 3]), np.array([2, 4, 5])).tolist()  # 1 is twice
    [1.0, 1.7320508075688772, 1.0]
    """
    order = np.argsort(-value, kind="stable")
    rank = np.empty(len(value), np.intp)
    rank[order] = np.arange(len(value))
    event = np.concatenate([first, second])
    twice = np.concatenate([weight, np.where(first == second, 0.0, weight)])
    position = np.lexsort((np.tile(rank, 2), event))
    sums = np.cumsum(twice[position])
    starts = np.concatenate([[True], np.diff(event[position]) != 0])[: len(sums)]
    group = np.cumsum(starts) - 1
    before = sums - twice[position]
    before -= before[np.flatnonzero(starts)][group]
    above = np.empty_like(before)
    above[position] = before
    linked = above[: len(value)] + np.where(first == second, 0.0, above[len(value) :])
    return np.sqrt(np.maximum(weight**2 + 2 * weight * linked, 0.0))
