"""The luck of the test rows: how far off a metric is expected to be for that reason.

A metric is written as a mean over units, rows or blocks of rows, whose standard error
is that of the metric over draws of test rows. All networks have the same units, so the
units of a difference are differences of units.

- A metric that is a mean over rows has the values of rows.
- An area under the ROC curve has its placements (DeLong, DeLong and Clarke-Pearson
  1988), by mid-ranks (Sun and Xu 2014).
- All others have the pseudo-values of a jackknife that leaves out blocks of rows (Efron
  1982; for blocks of unequal size, Busing, Meijer and van der Leeden 1999). For a
  median, which is not smooth, their error comes out a tenth or so too large.
"""

import numpy as np
from scipy.stats import rankdata

from thaw.findings import scoring
from thaw.findings.metrics import Metric

MOST_BLOCKS = 40


def influence(metric: Metric, labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return values whose mean over units is nearly the metric, float64 `[R, units]`.

    Their standard error, std(ddof=1) / sqrt(units), is that of the metric over draws of
    test rows. Labels and what networks said are as for `scoring`; the units depend on
    the labels alone. Of one row there is no standard error, nor, except for means over
    rows, where a class has fewer than two: some units are nan.
    """
    if len(labels) == 1:
        return np.full((len(said), 1), np.nan)
    if metric.per_row:
        return np.ascontiguousarray(scoring.PER_ROW[metric.name](labels, said))
    if metric.name == "roc_auc":
        return _placements(labels == 1, scoring.log_odds(said))
    if metric.name == "roc_auc_ovr":
        classes = range(said.shape[2])
        return np.mean([_placements(labels == c, said[:, :, c]) for c in classes], 0)
    return _pseudo_values(metric, labels, said)


def rows_error(variant: np.ndarray, baseline: np.ndarray) -> float:
    """Return the standard error of a difference over draws of test rows.

    Both are influences `[units]`, means over networks, of the same metric and rows.
    """
    difference = variant - baseline
    if len(difference) == 1:
        return np.nan
    return float(difference.std(ddof=1) / np.sqrt(len(difference)))


def _placements(positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return each row's part in the AUC, float64 `[R, rows]`.

    A row's placement is the share of the other side's rows that it is ranked right
    with. Distances from the AUC are scaled so that the standard error over all rows is
    exactly that of DeLong et al.
    """
    rows = len(positive)
    if not 2 <= positive.sum() <= rows - 2:
        return np.full(scores.shape, np.nan)
    found = np.empty(scores.shape)
    for side, values in ((positive, scores), (~positive, -scores)):
        count = side.sum()
        within = rankdata(values[:, side], axis=1)
        below = rankdata(values, axis=1)[:, side] - within
        placements = below / (rows - count)
        auc = scoring.means(placements)[:, None]
        scale = np.sqrt(rows * (rows - 1) / (count * (count - 1)))
        found[:, side] = auc + scale * (placements - auc)
    return found


def _pseudo_values(metric: Metric, labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return the pseudo-values of blocks of rows, float64 `[R, blocks]`."""
    score = getattr(scoring, metric.name)
    whole = score(labels, said)
    blocks = _blocks(labels)
    count = blocks.max() + 1
    found = []
    for block in range(count):
        kept = blocks != block
        # Faster than an index, which parts a network's rows in memory.
        without = score(labels[kept], np.compress(kept, said, axis=1))
        # Blocks may differ by a row. So weighted, a mean over rows has itself as mean.
        found.append(whole + count * kept.mean() * (whole - without))
    return np.stack(found, axis=1)


def _blocks(labels: np.ndarray) -> np.ndarray:
    """Return the block of each row, int64 `[rows]`.

    They are at random, not stratified, because which labels are drawn is luck too:
    stratified by label, the standard error of R² came out a fifth too small. But no
    block has all rows of a class.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    if np.issubdtype(labels.dtype, np.integer):
        # Rows are dealt like cards: two of a class that are neighbors part.
        pairs = [order[labels[order] == one][:2] for one in np.unique(labels)]
        first = np.concatenate(pairs)
        order = np.concatenate([first, order[~np.isin(order, first)]])
    blocks = np.empty(len(labels), dtype=np.int64)
    blocks[order] = np.arange(len(labels)) % MOST_BLOCKS
    return blocks
