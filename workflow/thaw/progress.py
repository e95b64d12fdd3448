"""Progress of long training in the job's log."""

import sys
import time
from collections.abc import Sequence

import numpy as np

# Seconds between two lines.
INTERVAL = 10


def warn_of_failures(kind: str, labels: Sequence[str], failed: np.ndarray) -> None:
    """Warn of failed networks of a kind, bool `[n]`, and name the usual remedies."""
    numbers = [label for label, lost in zip(labels, failed, strict=True) if lost]
    if numbers:
        print(
            f"warning: {len(numbers)} of {len(failed)} {kind} failed (their loss is "
            "not finite, or their outputs are the same for all test rows): "
            f"{', '.join(numbers)}; scaled inputs, a lower training.learning_rate or "
            "more epochs may help",
            file=sys.stderr,
        )


class Progress:
    """Report a job's progress now and then, and its speed at the end."""

    def __init__(self, kind: str, total: int, at_once: int) -> None:
        """Start the clock for `total` networks, at most `at_once` together."""
        self._kind, self._total, self._at_once = kind, total, at_once
        self._trained = self._epochs_done = 0
        self._start = self._last_line = time.monotonic()

    def epoch(self, number: int, last: int) -> None:
        """Report that the ensemble in training finished epoch `number` of `last`."""
        self._epochs_done += 1
        now = time.monotonic()
        if now - self._last_line >= INTERVAL:
            self._last_line = now
            seconds = now - self._start
            rate = self._epochs_done / seconds
            together = min(self._at_once, self._total - self._trained)
            done = self._trained + together * number / last
            left = seconds * (self._total - done) / done
            self._print(
                f"epoch {number} of {last}, {rate:.2f} epochs a second, {left:.0f} s "
                "left"
            )

    def trained(self, count: int) -> None:
        """Report that an ensemble of `count` networks is trained."""
        self._trained += count
        if self._trained == self._total:
            seconds = time.monotonic() - self._start
            rate = self._total / seconds
            self._print(f"{seconds:.2f} s, {rate:.1f} {self._kind} a second")

    def _print(self, news: str) -> None:
        print(
            f"{self._trained} of {self._total} {self._kind} trained; {news}",
            file=sys.stderr,
            flush=True,
        )
