"""A test of whether a variant beats its reference more often than not.

It takes the larger of two p-values.

The first is that of Brunner and Munzel's test (2000): the mean of the placements, p,
against 1/2, with the standard error from their spread. On the arcsine's scale, which
stabilizes the variance of a share, t = 2 sqrt(p (1 - p)) (arcsin sqrt p - pi/4) / se,
with one degree of freedom less than the smaller side has units.

It assumes that the units drawn represent the others: ten source models that all win a
little look sure, even if every fifth may lose. The second is Gaffke's (2005;
Learned-Miller and Thomas 2019), which assumes only that placements lie within 0 and 1.
It rejects if the mean of the placements and one more, the worst possible, under random
weights is above 1/2 nearly always. For units that say yes or no it is the sign test;
and no p-value is below 2^-units.
"""

import numpy as np
from scipy import special

from thaw.findings.pairs import Placements


def p_more_often(placements: Placements) -> np.ndarray:
    """Return the one-sided p-value against "beats it at most as often as not", `[...]`.

    The p-value against "at least as often" is that of the `opposite` placements. Beyond
    1/4 it may be too small.
    """
    degrees = placements.units - 1
    p_value = np.array(special.stdtr(degrees, -t_statistic(placements)))
    # A high p-value needs no second one, which costs more.
    open_ = p_value < 0.25
    for shares in (placements.variant, _won(placements.reference)):
        if shares is not None and open_.any():
            p_value[open_] = np.maximum(p_value[open_], _p_gaffke(shares[open_]))
    return p_value


def opposite(placements: Placements) -> Placements:
    """Return the placements as they would be if lower scores were better."""
    return Placements(1 - placements.variant, _won(placements.reference))


def _won(placements: np.ndarray | None) -> np.ndarray | None:
    """Return the shares that the other side wins."""
    return None if placements is None else 1 - placements


def t_statistic(placements: Placements) -> np.ndarray:
    """Return Brunner and Munzel's t on the arcsine's scale, `[...]`."""
    chance = placements.variant.mean(-1)
    variance = np.zeros_like(chance)
    for side in placements:
        if side is not None and side.shape[-1] > 1:
            variance += side.var(-1, ddof=1) / side.shape[-1]
    lead = np.arcsin(np.sqrt(chance)) - np.pi / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        t = 2 * np.sqrt(chance * (1 - chance)) * lead / np.sqrt(variance)
    # If no unit differs from another there is nothing to divide by.
    return np.where(variance > 1e-18, t, np.copysign(np.inf, lead))


def _p_gaffke(shares: np.ndarray) -> np.ndarray:
    """Return the probability that a randomly weighted mean is not above 1/2.

    `shares` is `[samples, n]`. Weights from the Dirichlet distribution are exponential
    variables over their sum, so it is that of sum a_i E_i <= 0, where a_i is a share
    less 1/2, and -1/2 for the unit not drawn. It uses the saddlepoint approximation
    (Barndorff-Nielsen's r*), which is right to 5 % here and errs on the safe side. If
    it is more than a half, 1 is returned.
    """
    count = shares.shape[-1]
    a = np.concatenate([shares - 0.5, np.full((len(shares), 1), -0.5)], axis=-1)
    p_value = np.ones(len(a))
    # Exact if all shares are 1, the case that sets how many units a verdict takes.
    agree = shares.min(-1) == 1
    p_value[agree] = 2.0**-count
    likely = (a.sum(-1) > 1e-6) & ~agree
    a = a[likely]
    s = _saddlepoint(a)
    terms = a / (1 - a * s[:, None])
    r = -np.sqrt(2 * np.log1p(-a * s[:, None]).sum(-1))
    q = s * np.sqrt((terms**2).sum(-1))
    p_value[likely] = special.ndtr(r + np.log(q / r) / r)
    return p_value


def _saddlepoint(a: np.ndarray) -> np.ndarray:
    """Return the root of the cumulants' derivative, sum a / (1 - a s).

    `a` is `[samples, n]`, the lowest is -1/2, and the sums are above 0, so the root
    lies between -2 and 0, and the derivative grows. Bisection, then Newton's method.
    """
    low, high = np.full(len(a), -2.0), np.zeros(len(a))
    s = (low + high) / 2
    for step in range(14):
        terms = a / (1 - a * s[:, None])
        slope = terms.sum(-1)
        low, high = np.where(slope > 0, low, s), np.where(slope > 0, s, high)
        s = (low + high) / 2
        if step >= 9:
            newton = np.where(slope > 0, high, low) - slope / (terms**2).sum(-1)
            s = np.where((low < newton) & (newton < high), newton, s)
    return s
