"""The content and looks of figures, and settings that they must not pick up."""

import colorsys
import itertools
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from scipy import stats

from conftest import ROOT
from thaw.figures import (
    boxplot,
    differences,
    freeze_map,
    gains_by_epoch,
    learning_curves,
    source_accuracy,
    source_spread,
    style,
    target_sizes,
)
from thaw.figures.source_accuracy import correlation
from thaw.findings.arms import in_order
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.learning.tasks import TASKS

MINUS = "\N{MINUS SIGN}"
ACCURACY = METRICS["classification"]["accuracy"]
VARIANTS = [
    *("standalone", "fixed-0", "fixed-2", "random-1"),
    "a-name-that-goes-on-for-longer-than-a-legend-is-wide",
]
LADDER = {"standalone": -1, "fixed-0": 0, "fixed-2": 2}
SETTINGS = {
    **{"study": "one", "source": "a", "target": "b", "ladder": LADDER},
    **{"variants": VARIANTS, "baseline": "standalone"},
    "pretrained": [v for v in VARIANTS if v not in ("standalone", "random-1")],
    **{"metric": [{"task": "classification", "name": "accuracy"}]},
    **{"margin": 0.01, "target_sizes": [9, "all"], "depths": {"fixed-0": 0}},
    "tuned": [],
}


def luminance(colour):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted(luminance(colour) + 0.05 for colour in (one, other))
    return high / low


def hue(colour):
    return 360 * colorsys.rgb_to_hls(*to_rgb(colour))[0]


def samples():
    """Return scores: falling from variant to variant, from 10 source models."""
    rng = np.random.default_rng(0)
    return {
        name: Sample(
            rng.normal(0.8 - 0.1 * place, 0.01, 30),
            None if name in ("standalone", "random-1") else np.arange(30) % 10,
            constant=0.3,
        )
        for place, name in enumerate(VARIANTS)
    }


def comparisons():
    """Return a table of comparisons, with a row an epoch also."""
    verdicts = ["typically worse", "equivalent within ±0.01", "no clear difference"]
    rows = [
        {"target_size": size, "variant": variant, "reference": "standalone"}
        | {"typical": -0.1 * place, "typical_low": -0.1 * place - 0.02}
        | {"typical_high": 0.02 - 0.1 * place, "verdict": verdicts[place % 3]}
        | {"level": 0.99, "given": None, "unit": "repeat", "units": 30}
        | {"reference_unit": "repeat", "reference_units": 30, "epoch": epoch}
        | {"these_rows_low": -0.1 * place - 0.01, "these_rows_high": 0.01 - 0.1 * place}
        | {"row_units": 100}
        for epoch, size in enumerate(SETTINGS["target_sizes"])
        for place, variant in enumerate(VARIANTS)
        if place
    ]
    return pd.DataFrame(rows)


def summary():
    rows = [
        {"target_size": size, "variant": variant, "constant": 0.3, "repeats": 30}
        | {"mean": 0.5 + 0.1 * k, "mean_low": 0.4, "mean_high": 0.7 + 0.1 * k}
        for size in SETTINGS["target_sizes"]
        for k, variant in enumerate(VARIANTS)
    ]
    return pd.DataFrame(rows)


def curves(least=0.5):
    """Return curves that fill their panels, corners too."""
    up = np.linspace(0.1, 0.9, 30)
    step = 7 * np.arange(30)
    one = {m: learning_curves.Curve(step, up, up, up) for m in ("train_accuracy",)}
    one["test_accuracy"] = learning_curves.Curve(step, up, up[::-1], up)
    loss = np.geomspace(4 * least, least, 30)
    for metric in ("train_loss", "test_loss"):
        one[metric] = learning_curves.Curve(step, loss, loss, loss)
    words = ["one: a → b", "curves", "Lines."]
    return learning_curves.draw(
        dict.fromkeys(VARIANTS, one),
        style.looks(SETTINGS),
        0.3,
        words,
        TASKS["classification"],
        "",
        SETTINGS,
    )


DRAWN = {
    "boxplot": lambda: boxplot.draw(samples(), ACCURACY, SETTINGS | {"shown_size": 9}),
    "differences": lambda: differences.draw(
        comparisons().iloc[:4], SETTINGS | {"shown_size": "all"}
    ),
    "freeze-map": lambda: freeze_map.draw([comparisons()], [SETTINGS]),
    "gains": lambda: gains_by_epoch.draw(comparisons(), SETTINGS),
    "curves": curves,
    "accuracy": lambda: source_accuracy.draw(
        np.linspace(0.9, 1, 10),
        ACCURACY,
        {name: found for name, found in samples().items() if found.is_nested},
        samples()["standalone"],
        ACCURACY,
        SETTINGS,
    ),
    "spread": lambda: source_spread.draw(samples(), ACCURACY, SETTINGS),
    "sizes": lambda: target_sizes.draw(summary(), comparisons(), SETTINGS),
}


@pytest.fixture(scope="module")
def drawn():
    """Return all figures, laid out, with their SVGs."""
    made = {name: make() for name, make in DRAWN.items()}
    return {
        name: (figure, style.files_of(figure, ["f.svg"], "key")["f.svg"].decode())
        for name, figure in made.items()
    }


def looks(names, ladder):
    return style.looks({"variants": names, "ladder": ladder})


def test_a_look_follows_from_what_a_variant_is():
    """Regardless of the rest of the config, its order, and the names of depths."""
    found = style.looks(SETTINGS)
    assert looks(["deep"], {"deep": 2})["deep"] == found["fixed-2"]
    assert looks(["scratch"], {"scratch": -1})["scratch"] == found["standalone"]
    others = ["a", "fixed-1", "random-2", *reversed(VARIANTS)]
    more = looks(others, LADDER | {"fixed-1": 1})
    assert {name: more[name] for name in VARIANTS} == found
    assert len(set(more.values())) == len(more)


def test_variants_that_would_look_alike_do_not():
    ladder = {f"d{n}": n for n in range(-1, 30)}
    again = {"d-again": -1, "d0-again": 0}
    found = looks([*(f"v{n}" for n in range(100)), *ladder, *again], ladder | again)
    assert len(set(found.values())) == len(found) == 133
    assert found["d29"] == style.look(30)
    # Few have a colour each.
    few = looks(["fresh-output", "ridge", "forest", *LADDER], LADDER)
    assert len({one.colour for one in few.values()}) == len(few)
    # Neighbours differ in colour, line and marker, so that one of these may be lost.
    for one, other in itertools.pairwise(style.look(place) for place in range(60)):
        assert not {*map(str, one)} & {*map(str, other)}


def test_verdicts_and_variants_share_no_hue():
    told = [style.BETTER, style.WORSE, style.EQUIVALENT]
    for verdict, variant in itertools.product(told, style.COLOURS):
        apart = abs(hue(verdict) - hue(variant))
        assert min(apart, 360 - apart) > 25, (verdict, variant)
    # Unclear verdicts are grey.
    assert len({*to_rgb(style.NONE[0])}) == 1
    assert style.verdict_look("equivalent within ±0.01")[0] == style.EQUIVALENT
    assert style.verdict_look("too few repeats: 3 of the 6 it takes") == style.NONE
    assert len({*style.VERDICTS.values(), style.NONE}) == 4


def test_all_can_be_read_on_white():
    for colour in (style.BLACK, *style.COLOURS):
        assert contrast(colour, "white") > 3
    for colour in (style.BETTER, style.WORSE, style.EQUIVALENT, style.MUTED):
        assert contrast(colour, "white") > 4.5


def test_text_on_a_cell_goes_by_its_luminance(drawn):
    shades = np.linspace(0, 1, 201)
    cells = freeze_map.GAINS(shades)
    for cell, chosen in zip(cells, style.text_on(cells), strict=True):
        other = {"black": "white", "white": "black"}[chosen]
        assert contrast(cell[:3], chosen) >= contrast(cell[:3], other) - 0.01
    assert {*style.text_on(cells)} == {"black", "white"}
    figure, _ = drawn["freeze-map"]
    panel = figure.axes[0]
    cells = panel.collections[0].get_facecolors()
    for cell, text in zip(cells, panel.texts, strict=True):
        assert to_hex(text.get_color()) == to_hex(str(style.text_on(cell)))


@pytest.mark.parametrize("name", DRAWN)
def test_figures_keep_the_rules(drawn, name):
    figure, svg = drawn[name]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    # A hyphen is no minus sign, and no number is a power of ten.
    assert not [text for text in texts if re.search(r"(^|[\s(])-[\d.]", text)]
    assert not [
        text for text in texts if "\N{MULTIPLICATION SIGN}" in text or "^" in text
    ]
    assert figure.get_suptitle().count("\n") == 1
    assert figure.get_supxlabel().endswith(".")
    # Nothing is cut off, and no words lie on others.
    whole = figure.bbox
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert box.x0 >= -1 and box.y0 >= -1
    assert box.x1 <= whole.x1 + 1 and box.y1 <= whole.y1 + 1
    panels = [panel.get_tightbbox() for panel in figure.axes]
    words = [figure._suptitle, figure._supxlabel, figure._supylabel, *figure.legends]
    boxes = [word.get_window_extent() for word in words if word is not None]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    # A legend lies outside of all panels, like everything else.
    for one, panel in itertools.product(boxes, panels):
        assert not one.overlaps(panel)


@pytest.mark.parametrize("name", ["boxplot", "curves"])
def test_figures_have_the_same_bytes(name):
    names = ["f.svg", "f.pdf", "f.png"]
    once, again = (style.files_of(DRAWN[name](), names, "key") for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("least", "ticks"),
    [(0.5, ["0.5", "1", "2"]), (0.001, ["0.001", "0.002", "0.005"])],
)
def test_numbers_on_a_log_axis_are_plain(least, ticks):
    figure = curves(least)
    figure.draw_without_rendering()
    panel = figure.axes[0]
    low, high = panel.get_ylim()
    labels = zip(panel.get_yticks(), panel.get_yticklabels(), strict=True)
    shown = [text.get_text() for place, text in labels if low <= place <= high]
    assert {*ticks} <= {*shown} or len(shown) >= 3
    assert all(float(text) > 0 for text in shown)


@pytest.mark.parametrize("name", ["accuracy", "spread"])
def test_panels_that_share_an_axis_show_all(drawn, name):
    """Also where the first panel alone would have another end."""
    figure, _ = drawn[name]
    panels = [panel for panel in figure.axes if panel.collections]
    ends = [panel.dataLim.intervaly for panel in panels]
    low, high = panels[0].get_ylim()
    assert low <= min(map(min, ends))
    assert high >= max(map(max, ends))
    dotted = [[line.get_linestyle() for line in p.lines].count(":") for p in panels]
    assert len({*dotted}) == 1


def test_the_correlation_is_by_ranks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    rho = stats.spearmanr(x, y).statistic
    assert f"{rho:.2f} (" in correlation(x, y)
    # One point far away does not decide.
    y[0] -= 1000
    moved = float(correlation(x, y).split()[2].replace(MINUS, "-"))
    assert abs(moved - rho) < 0.15
    assert correlation(x, np.ones(30)) == "rank correlation not estimable"
    assert correlation(x[:3], y[:3]) == "rank correlation not estimable"
    assert correlation(x, x) == "rank correlation 1.00 (1.00 to 1.00)"
    # A source model that failed may have no score.
    failed = np.append(x, np.nan)
    assert correlation(failed, np.append(y, 0)) == correlation(x, y)


def test_the_interval_covers():
    """Of 2,000 correlated samples of 30, as Bonett and Wright have it."""
    rng = np.random.default_rng(1)
    big = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 200_000)
    truth = stats.spearmanr(*big.T).statistic
    covered = 0
    for _ in range(2000):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 30).T
        words = correlation(x, y).replace(MINUS, "-")
        low, high = words.partition("(")[2].rstrip(")").split(" to ")
        covered += float(low) <= truth <= float(high)
    assert 0.93 < covered / 2000 < 0.97


def test_sizes_are_in_order():
    assert in_order(["all", 50, 9, 100]) == [9, 50, 100, "all"]


@pytest.mark.parametrize("name", ["matplotlibrc", "csv.py"])
def test_nothing_in_the_working_folder_is_picked_up(tmp_path, name):
    """A file of settings, or a module named like one of Python's."""
    content = {"matplotlibrc": "font.size: 40\n", "csv.py": "raise SystemExit(3)\n"}
    (tmp_path / name).write_text(content[name])
    code = (
        "import csv, matplotlib as mpl; from thaw.figures.style import figure;"
        "figure(1, 1); print(mpl.rcParams['font.size'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "9.0\n")
