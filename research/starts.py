"""Compare initial weights of networks from scratch, on real data: docs/starts.md.

`python research/starts.py` prints the page's table. Each network has the best of three
learning rates on held-out rows, so no start suffers from a rate that suits another.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from thaw.data.make import make_problem
from thaw.data.problem import Problem
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import State
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS
from thaw.learning.training import fix_rounding, train

ROOT = Path(__file__).parent.parent
NETWORKS = 20
SIZES = (20, 100, 300)
RATES = {"adam": [0.001, 0.003, 0.01], "sgd": [0.01, 0.03, 0.1]}

# The initial weights, and what the output's are multiplied by.
STARTS = {
    "keras": ("keras", 1.0),
    "pytorch": ("pytorch", 1.0),
    "keras, output × 0.1": ("keras", 0.1),
    "pytorch, output × 0.1": ("pytorch", 0.1),
    "pytorch, output 0": ("pytorch", 0.0),
}

SHARED = {"train_size": 0.6, "shuffle": 1, "scale": "standard"}
PENGUINS = ROOT / "studies/your-table/penguins.csv"


def problems(folder: Path) -> dict[str, Problem]:
    """Return the problems by name, the first five to choose by, three to confirm."""
    files = [folder / "flash-point.csv", folder / "melting-point.csv"]
    script = ROOT / "studies/scripts/make_compounds.py"
    subprocess.run([sys.executable, script, *files], check=True)
    numbers = SHARED | {"task": "regression"}
    birds = {"file": {}, "drop": ["bird"]}
    words = ["species", "island", "clutch"]
    mass = numbers | birds | {"label": "body_mass_g", "categorical": [*words, "sex"]}
    flash, melting = (
        numbers | {"file": {}, "label": label, "train_size": 480}
        for label in ("flash_point", "melting_point")
    )
    tables: dict[str, tuple[dict[str, Any], list[Path]]] = {
        "digits": (SHARED | {"load_digits": {}}, []),
        "breast cancer": (SHARED | {"load_breast_cancer": {}}, []),
        "sex of penguins": (
            SHARED | birds | {"label": "sex", "categorical": words},
            [PENGUINS],
        ),
        "diabetes": (numbers | {"load_diabetes": {}}, []),
        "flash points": (flash, files[:1]),
        "wine": (SHARED | {"load_wine": {}}, []),
        "mass of penguins": (mass, [PENGUINS]),
        "melting points": (melting, files[1:]),
    }
    return {name: make_problem(*table)[0] for name, table in tables.items()}


def scores(problem: Problem, start: str, optimizer: str, size: int) -> np.ndarray:
    """Return the test scores of networks from scratch, `[networks]`."""
    task, (initial, factor) = TASKS[problem.task], STARTS[start]
    network = FullyConnected(
        problem.train_x.shape[1], [64, 32], task.width(problem.classes), initial=initial
    )

    def draw(whose: Whose) -> State:
        state = network.draw([*network.groups], whose)
        return state | {
            entry: state[entry] * factor for entry in network.groups["output"]
        }

    training = Training(
        epochs=60,
        batch_size=16,
        learning_rate=RATES[optimizer],
        optimizer=optimizer,
        validation_size=0.2,
    )
    whose = Whose.repeats(1, [(0, number) for number in range(NETWORKS)])
    parts = train(network, draw, problem, training, whose, size=size)
    return np.concatenate([part.reached.history.test_score[:, -1] for part in parts])


def main() -> None:
    """Print the table, a row a problem, optimizer and number of train rows."""
    fix_rounding()
    rows = []
    with TemporaryDirectory() as folder:
        for name, problem in problems(Path(folder)).items():
            for optimizer in RATES:
                for size in SIZES:
                    if size > problem.train_size:
                        continue
                    means = {
                        start: scores(problem, start, optimizer, size).mean()
                        for start in STARTS
                    }
                    cell = {"problem": name, "optimizer": optimizer, "rows": size}
                    rows.append(cell | means)
                    print(rows[-1], file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".4g"))


if __name__ == "__main__":
    main()
