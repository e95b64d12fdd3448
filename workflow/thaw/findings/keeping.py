"""The source model to keep: the best by the loss on validation rows.

Intervals and medians are those of a source model at random. In practice one fine-tunes
from several, holds rows out and keeps the network with the least loss on them. The
score reached in this way is taken over all choices of so many source models, drawn
without replacement, each with one repeat.
"""

from collections.abc import Iterator

import numpy as np

from thaw.findings.gains import Question, rows_at
from thaw.findings.recommendation import advices
from thaw.findings.shown import number

# If the risk of a weak network is larger, the answer says so.
RISK = 0.05


def chances(losses: np.ndarray, count: int) -> np.ndarray:
    """Return the probability of each `[n]` to have the least loss of `count` drawn.

    Losses are `[n]`; those that are not finite come last.
    """
    total = len(losses)
    order = np.argsort(np.where(np.isfinite(losses), losses, np.inf), kind="stable")
    found, chance = np.zeros(total), count / total
    for place, one in enumerate(order[: total - count + 1]):
        found[one] = chance
        chance *= (total - place - count) / max(total - place - 1, 1)
    return found


def median_of(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the median of values `[n]` whose weights `[n]` add up to 1."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    # The middle of two values, if half of the weight lies on either side.
    ends = np.searchsorted(reached, [0.5 - 1e-9, 0.5 + 1e-9])
    return float(values[order[np.minimum(ends, len(order) - 1)]].mean())


def which_to_keep(study: Question) -> Iterator[str]:
    """Say what keeping the best of several source models reaches, if known.

    This covers the variant that is recommended or gains most, beside the baseline, and
    the variants that are weak at random.
    """
    if not len(study.best_of):
        return
    table = rows_at(study.best_of, study.shown_size)
    chosen = {*study.transferred}.intersection(table["variant"])
    found = study.gains_at(study.shown_size)
    gains = [row for name, row in found.items() if name in chosen]
    if not gains:
        return
    best = max(gains, key=lambda row: row["typical"])["variant"]
    own = advices(study)[-1][-1].variant
    name = own if own in chosen else best
    counts = sorted(set(table["best_of"]))
    medians = {
        variant: [number(value, study.margin) + study.units for value in rows["median"]]
        for variant, rows in table.groupby("variant", sort=False)
    }
    place = f" with {study.shown_size} rows" if study.is_swept else ""
    best, *more = counts[1:]

    def lifted(variant: str) -> str:
        first, *others = medians[variant]
        of_more = ", ".join(
            f"of {count} to {median}"
            for count, median in zip(more, others[1:], strict=True)
        )
        return f"from {first} to {others[0]}" + (f", {of_more}" if of_more else "")

    words = (
        f"Picking the best of {best} source models by validation loss lifts {name}"
        f"{place} {lifted(name)}"
    )
    if study.baseline in medians:
        words += f"; {study.baseline}, picked alike, {lifted(study.baseline)}"
    yield f"{words}."
    risks = [
        f"{variant} from {100 * at_random:.0f} % to {100 * kept:.1f} %"
        for variant, rows in table.groupby("variant", sort=False)
        for at_random, kept in [rows["weak"].iloc[:2]]
        if at_random > RISK
    ]
    if risks:
        yield (
            f"Picking the best of {best} cuts the risk of a weak network: "
            f"{', '.join(risks)}."
        )
