"""Whatever a config holds, `resolve` says what is wrong with it, or takes it."""

import copy
import datetime
import math
import random

import pytest

from conftest import SMALL_CONFIG
from thaw.config.resolve import resolve
from thaw.errors import ThawError

IN_ITSELF = []
IN_ITSELF.append(IN_ITSELF)
# Problems with every key that goes together.
FILE = {
    **{"file": "here.csv", "test_file": "here.csv", "label": "class", "drop": ["a"]},
    **{"categorical": ["b"], "rows": {"set": "x"}, "train_size": 5, "test_size": 0.5},
    **{"shuffle": 1, "scale": {"like": "digits"}, "classes": ["a", 1]},
}
DIGITS = {
    **{"load_digits": {"n_class": 5}, "shape": [1, 8, 8], "train_size": 0.5},
    "transforms": [{"noise": 4.0}, {"rotate": 30}, {"invert": 16}, {"permute": 1}],
}

STRANGE = [
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 30.0, 1e16, 1e308, math.nan, math.inf),
    *(10**9, 10**400, 10**5000, -(10**5000), 1 + 2j),
    *("", "x", "auto", "output", "1e-3", "1e999", "nan", "9" * 5000, "x" * 300),
    *("a\nb", "\0", "é", "\ud800", b"x", datetime.date(2026, 1, 1)),
    *([], [[]], [None], [1, 1], ["x", "x"], ["\ud800"] * 2, [3] * 2000, (1, 2), {1, 2}),
    *({}, {"x": 1}, {1: 2}, {None: None}, {("a",): 1}, {"\ud800": 1}, {"x" * 300: {}}),
    *(IN_ITSELF, {"x": IN_ITSELF}, object()),
]


def places(value, above=()):
    """Yield each group or list in a value, and each of its keys or positions."""
    if any(value is outer for outer in above):
        return
    pairs = ()
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        yield from places(inner, (*above, value))


def spoil(config, rng):
    """Change a config somewhere: another value, no value, a strange key, a move."""
    group, key = rng.choice(list(places(config)))
    other, other_key = rng.choice(list(places(config)))
    strange = rng.choice(STRANGE)
    changes = [
        lambda: group.__setitem__(key, strange),
        lambda: group.__delitem__(key),
        lambda: group.__setitem__(key, other[other_key]),
    ]
    if isinstance(group, dict) and strange.__hash__:
        changes.append(lambda: group.__setitem__(strange, group[key]))
    rng.choice(changes)()


@pytest.mark.parametrize("seed", range(20))
def test_a_spoilt_config_is_taken_or_told_about(tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_text("class,x\n1,a\n")
    rng = random.Random(seed)
    for _ in range(25):
        config = copy.deepcopy(SMALL_CONFIG)
        config["problems"] |= copy.deepcopy({"file": FILE, "digits": DIGITS})
        resolve(config)
        for _ in range(rng.choice([1, 1, 2, 4])):
            if config:
                spoil(config, rng)
        try:
            resolve(config)
        except ThawError as error:
            # Shown in any terminal, a line a mistake, none of them endless.
            message = str(error).encode().decode()
            assert all(len(line) < 500 for line in message.splitlines())
            assert all(line.startswith("  ") for line in message.splitlines()[1:])
