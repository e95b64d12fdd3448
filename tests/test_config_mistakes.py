"""Every mistake is named with its place, its value and what to write instead.

`wrong_configs.txt` has them: a change, and the beginning of each line about it.
"""

import re

import pytest
import yaml

from configs import MODULE, TRAINER, put, small_config, with_problem
from conftest import ROOT
from thaw.config.resolve import resolve
from thaw.errors import ThawError

BASES = {"SMALL_CONFIG": None, "MODULE": MODULE, "TRAINER": TRAINER}


def cases():
    """Yield the base, the change and the beginnings of lines of each wrong config."""
    text = (ROOT / "tests/wrong_configs.txt").read_text("utf-8")
    for section in text.split("\n## ")[1:]:
        base, _, rest = section.partition("\n")
        for case in re.findall(r"^[^\s#].*(?:\n +.*)*", rest, re.M):
            change, *said = re.split(r" => |\n    ", case)
            change = change.replace("~", "studies/ahead")
            said = [line.replace("~", "studies.ahead") for line in said]
            yield pytest.param(base, change, said, id=f"{base[:7]} {change}"[:60])


@pytest.mark.parametrize(("base", "change", "said"), [*cases()])
def test_a_mistake_is_named(folder, base, change, said):
    wanted, place = yaml.safe_load(change), ""
    if base in BASES:
        config = small_config(BASES[base])
        for path, value in wanted.items():
            put(config, path, value)
    else:
        place, problem = "problems.new", yaml.safe_load(base.removeprefix("PROBLEM "))
        for key, value in wanted.items():
            put(problem, key, value)
        config = with_problem(problem)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    _, *lines = str(caught.value).splitlines()
    beginnings = [f"  {place}{line}" for line in said if line != "…"]
    for beginning in beginnings:
        assert any(line.startswith(beginning) for line in lines), (beginning, lines)
    assert (len(lines) > len(beginnings)) == ("…" in said), lines


@pytest.mark.parametrize("group", ["problems", "variants", "studies"])
def test_a_name_must_do_as_a_folder(group):
    for name in ["a/b", "a b", "a\n", "a'b", 'a"b', "..", "a..b", "", "-a", "ä"]:
        config = small_config()
        config[group][name] = next(iter(config[group].values()))
        with pytest.raises(ThawError) as caught:
            resolve(config)
        assert f"{group}: {name!r} is not allowed. Allowed: letters" in str(
            caught.value
        )


def test_what_is_long_is_shown_short():
    config = small_config() | {"seed": 10**5000}
    config["variants"]["a" * 300] = {}
    config["network"]["hidden"] = [5] * 1001
    config["studies"]["ahead"]["target_sizes"] = ["x"] * 101
    with pytest.raises(ThawError) as caught:
        resolve(config)
    text = str(caught.value)
    assert len(text) < 1000
    for words in (
        "seed: a number of thousands of digits is too large",
        "100 at most",
        "[5, 5, 5, 5, 5, 5, ...] is too long. Allowed: 1000 entries or fewer",
        "'x', ...] is too long. Allowed: 100 entries or fewer",
    ):
        assert words in text
    config = small_config()
    config["network"]["hidden"] = ["x"] * 900
    with pytest.raises(ThawError, match="… and 870 more") as caught:
        resolve(config)
    assert len(str(caught.value).splitlines()) == 32


def test_reserved_names_of_studies():
    config = small_config()
    for name in ("all", "problems"):
        config["studies"][name] = config["studies"]["ahead"]
    with pytest.raises(ThawError) as caught:
        resolve(config)
    for name in ("all", "problems"):
        assert f"studies.{name}: '{name}' is reserved" in str(caught.value)


def test_more_arms_than_fit_a_job_are_refused():
    """Their keys are an argument, whose length the system limits."""
    config = small_config()
    names = [f"fixed-{number}" for number in range(26)]
    config["variants"] |= {name: {"freeze": 1} for name in names}
    config["studies"]["ahead"] |= {"variants": names, "target_sizes": [*range(1, 21)]}
    with pytest.raises(ThawError, match="26 variants at 20 sizes are more than 500"):
        resolve(config)
