"""A module's training: Thaw's general learner beside a plain PyTorch loop and skorch.

They train the same network (benchmarks/peers/convolutions.py), on one thread.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import ROOT, Usage, markdown, run

GROUPS = 5
EPOCHS = 10
RUNS = 3
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}

NOTES = f"""\
A convolutional network of 62,794 weights (16 by 16 points, 10 classes) learns from
1,000 images in batches of 32, {EPOCHS} epochs, and is scored on all of them and on 500
others before the first epoch and after each; by skorch on the 500 after each epoch, and
on the 1,000 while it learns. A cell is CPU seconds a network, the median of {RUNS} runs
after one that does not count, from the data in memory to the last score.

The loop is the usual one: `eval()` on frozen layers and no gradient for them, `train()`
on the rest, and an optimizer of the rest. Loop and skorch pass the images through
frozen layers in each epoch, Thaw once. Thaw and the loop start from the same weights
and learn in the same order; the last column says whether they end with the same, to the
bit."""

IMAGES = 2_000
OF_RESNET = f"""\
torchvision's ResNet-18 (11 million weights), trained by Thaw, learns from {IMAGES:,}
images of 64 by 64 points in three colours, in batches of 32. An epoch is the training
alone; after each, train and test set are looked at, here {IMAGES:,} images. The output
of frozen layers is computed once, before the first epoch, which is not counted."""


def script(python: Path | str, name: str, *arguments: object) -> tuple[Usage, str]:
    """Run a script of the peers; return its usage and what it printed."""
    print(name, *arguments, file=sys.stderr)
    command = [python, ROOT / f"benchmarks/peers/{name}.py", *map(str, arguments)]
    return run(command, environment=ENVIRONMENT)


def report(peers: Path | None) -> Iterator[str]:
    """Yield the part's tables."""
    kinds = {"thaw": sys.executable, "loop": sys.executable}
    if peers:
        kinds["skorch"] = str(peers)
    rows, whole = [], 0.0
    for frozen in range(GROUPS):
        results = {}
        for kind, python in kinds.items():
            output = script(python, "convolutions", kind, frozen, EPOCHS, RUNS)[1]
            results[kind] = json.loads(output)
        seconds = {kind: statistics.median(f["seconds"]) for kind, f in results.items()}
        whole = whole or seconds["thaw"]
        same = results["thaw"]["weights"] == results["loop"]["weights"]
        rows.append(
            [
                f"{frozen} of {GROUPS}",
                *(f"{of_kind:.2f}" for of_kind in seconds.values()),
                f"{seconds['thaw'] / seconds['loop']:.2f}",
                f"{whole / seconds['thaw']:.1f}",
                "yes" if same else "no",
            ]
        )
    columns = [
        *("groups frozen", "Thaw", "the loop", *(["skorch"] if peers else [])),
        *("Thaw / loop", "times as fast as nothing frozen", "same weights"),
    ]
    yield NOTES
    yield markdown(columns, rows)
    if peers:
        yield OF_RESNET
        yield resnet18(peers)


def resnet18(peers: Path) -> str:
    """Measure ResNet-18; return the table."""
    rows = []
    for frozen in (0, 3, 5):
        usage, output = script(peers, "resnet18", IMAGES, frozen)
        rows.append((f"{frozen} of 6", *output.split(), f"{usage.peak_mib:.0f}"))
    return markdown(
        ["groups frozen", "an epoch, CPU s", "a look, CPU s", "peak MiB"], rows
    )
