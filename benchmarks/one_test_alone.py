"""What verdicts would be worth without Gaffke's test, for docs/calibration.md.

`.venv/bin/python benchmarks/one_test_alone.py` prints how often something is false in
the hardest population, and what is found in the real one whose source models differ
most, by both tests and by Brunner and Munzel's alone.
"""

import argparse
from collections.abc import Callable

import numpy as np
from calibration import populations
from drawn_studies import calibrate
from populations import DEPTHS

from thaw.findings import evidence

FALSE_AT = (8, 10, 20, 30)
FOUND = ((25, 30, "better"), (10, 100, "better"), (0, 100, "equivalent"))


def show(name: str, second_test: Callable[[np.ndarray], np.ndarray | float]) -> None:
    """Print what comes of taking the larger p-value of the first and this test."""
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


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    show("both", evidence._p_gaffke)
    show("Brunner and Munzel's alone", lambda shares: 0.0)
