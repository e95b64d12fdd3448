"""Mistakes: each is named with its place, its value and what to write instead."""

import datetime
import math
import random
import re

import pytest
import yaml

import configs
from configs import MODULE, TRAINER, change, message_of, put, small_config
from projects import ROOT
from random_config import ANY, changed, first_config

BASES = {"SMALL_CONFIG": None, "MODULE": MODULE, "TRAINER": TRAINER}


def wrong_configs():
    """Yield each one's base, its change, and how each line about it begins."""
    text = (ROOT / "tests/wrong_configs.txt").read_text("utf-8")
    for section in text.split("\n## ")[1:]:
        base, *cases = re.findall(r"^[^\s#].*(?:\n +.*)*", section, re.M)
        for case in cases:
            changes, *beginnings = re.split(r" => |\n    ", case)
            yield pytest.param(base, changes, beginnings, id=f"{base[:7]} {case}"[:60])


@pytest.mark.parametrize(("base", "changes", "beginnings"), [*wrong_configs()])
def test_a_mistake_is_named(folder, base, changes, beginnings):
    kind, _, before = base.partition(" ")
    if kind == "PROBLEM":
        place, problem = "problems.new", yaml.safe_load(before)
        change(problem, changes)
        config = configs.with_problem(problem)
    else:
        place, config = "", small_config(BASES[kind])
        change(config, changes)
    lines = message_of(config).splitlines()[1:]
    beginnings = [place + configs.written_out(text, ".") for text in beginnings]
    expected = [text for text in beginnings if text != f"{place}…"]
    for text in expected:
        assert any(line.startswith(f"  {text}") for line in lines), (text, lines)
    assert (len(lines) > len(expected)) == (expected != beginnings), lines


def test_a_name_must_do_as_a_folder():
    config = small_config()
    for group in ("problems", "variants", "studies"):
        for name in ("a/b", "a b", "a\n", "a'b", 'a"b', "..", "a..b", "", "-a", "ä"):
            config[group][name] = next(iter(config[group].values()))
    assert message_of(config).count("is not allowed. Allowed: letters") == 30


def test_what_is_long_is_shown_short():
    config = small_config() | {"seed": [5] * 1001}
    config["variants"]["a" * 300] = {}
    assert len(message_of(config)) < 500
    config = small_config()
    put(config, "network/hidden", ["x"] * 900)
    *lines, rest = message_of(config).splitlines()
    assert (len(lines), rest) == (31, "  … and 870 more")


def test_right_configs_have_no_mistakes():
    rng, config = random.Random(0), first_config()
    for _ in range(60):
        config, words = changed(config, rng, ANY)
        assert message_of(config) == "", words


# Values that no place of a config, or only a few, can hold.
IN_ITSELF: list = []
IN_ITSELF.append(IN_ITSELF)
STRANGE = [
    *(None, True, 0, -1, 0.5, 1e308, math.nan, math.inf, 2 + 1j, b"x"),
    *("", "x", "1e-3", "9" * 5000, "x" * 300, "a\nb", "\0", "\ud800", object()),
    *([], [[]], [None], [1, 1], ["\ud800"] * 2, [3] * 2000, (1, 2), {1, 2}, IN_ITSELF),
    *({}, {1: 2}, {"\ud800": 1}, {"x": IN_ITSELF}, datetime.date.min),
]


def places(value):
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(entries):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@pytest.mark.parametrize("network", [None, MODULE])
def test_a_config_with_a_strange_value_is_accepted_or_refused(folder, network):
    config = small_config(network)
    for number, (group, key) in enumerate(places(config)):
        for strange in STRANGE[number % 20 :: 20]:
            before, group[key] = group[key], strange
            if message := message_of(config):
                # Shown in any terminal, a line a mistake, none of them endless.
                first, *lines = message.encode().decode().splitlines()
                assert first == "the config is wrong:" and lines
                assert all(re.match("  (.+: |… and).{,600}$", line) for line in lines)
            group[key] = before
