"""Would another rule do? It prints the numbers that docs/calibration.md quotes.

`.venv/bin/python research/other_rules.py` prints

- without Gaffke's test: how often something is false in the hardest population, and
  how much is found in the real one whose source models differ most, by both tests and
  by Brunner and Munzel's alone;
- with equivalence by two one-sided tests at the whole level of a comparison (Schuirmann
  1987), where the rule requires the interval shown to be within the margin: how many
  equal variants are called equivalent.
"""

import argparse
from collections.abc import Callable

import numpy as np
from calibration import calibrate, populations
from judging import BASELINE, alpha_of
from populations import DEPTHS, Population, Resampled

from thaw.findings import evidence

FALSE_AT = (8, 10, 20, 30)
FOUND = ((25, 30, "better"), (10, 100, "better"), (0, 100, "equivalent"))


def show(name: str, second_test: Callable[[np.ndarray], np.ndarray | float]) -> None:
    """Print the outcome of taking the larger p-value of the first and this test."""
    evidence._p_gaffke = second_test
    real, hardest = populations()[0], populations()[-1]
    for models in FALSE_AT:
        found = calibrate(hardest.moved(0), models, 4000, 0, False)
        false = found["false typical"]
        print(f"{name}: {hardest.name}, S = {models}: false {false:.4f}")
    for gain, models, verdict in FOUND:
        found = calibrate(real.moved(gain), models, 1000, 0, False)
        shares = [f"{found[f'{verdict}, {depth}']:.3f}" for depth in DEPTHS]
        print(f"{name}: {real.name}, gain {gain}/500, S = {models}: {verdict} {shares}")


def show_equivalence(population: Population) -> None:
    """Print how many of 1,000 studies of 100 call equal depths equivalent."""
    rng = np.random.Generator(np.random.PCG64([0, 100]))
    studies = Resampled(population.moved(0), 100, 1000, rng)
    level, limit = alpha_of(studies), studies.margin + studies.little
    p_values = []
    for pair in ((depth, BASELINE) for depth in DEPTHS):
        above = studies.placements(pair, -limit)
        below = evidence.opposite(studies.placements(pair, limit))
        p_values.append(np.maximum(*map(evidence.p_more_often, (above, below))))
    for name, least in (
        ("within the margin", level / 2),
        ("two one-sided tests", level),
    ):
        shares = [f"{(p_value < least).mean():.3f}" for p_value in p_values]
        print(f"{name}: {population.name}, equal, S = 100: equivalent {shares}")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    both = evidence._p_gaffke
    show("both", both)
    show("Brunner and Munzel's alone", lambda shares: 0.0)
    evidence._p_gaffke = both
    for population in populations():
        if population.name.startswith(("real", "failing, 20 %")):
            show_equivalence(population)
