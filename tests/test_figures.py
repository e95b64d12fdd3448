"""The content and looks of figures, and settings that they must not pick up."""

import itertools
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import pages
import thaw
from projects import ROOT
from thaw.figures import style

LONG_NAME = "a-name-that-goes-on-for-longer-than-a-legend-is-wide"
VARIANTS = ["standalone", "fixed-0", "fixed-2", "random-1", LONG_NAME]
COMPARED = ["boxplot", "source-spread", "target-sizes"]
OF_STUDY = ["learning-curves", "freeze-map"]
OF_ONE_SIZE = ["differences"]


def scores():
    """Return scores: falling from variant to variant, from 10 source models or none."""
    rows = itertools.product(["all", 50, 9, 100], VARIANTS, range(30))
    table = pd.DataFrame(rows, columns=["target_size", "variant", "repeat"])
    places = table["variant"].map(VARIANTS.index)
    table["source_model"] = (table["repeat"] % 10).where(places % 2 == 1, "")
    noise = np.random.default_rng(0).normal(0, 0.02, len(table))
    return table.assign(score=0.8 - 0.1 * places + noise)


@pytest.fixture(scope="module")
def results(tmp_path_factory, store, finished_once):
    """The results of given scores, of a study, and of one with one target size."""
    folder = tmp_path_factory.mktemp("figures") / "compared"
    rules = {"higher": True, "margin": 0.01, "constant": 0.7}
    project = store.finished(pages.CONFIG, write=pages.write)
    compared = thaw.compare(scores(), folder, baseline="standalone", **rules)
    study = thaw.open(project.folder / "results/sizes")
    return compared, study, thaw.open(finished_once.folder / "results/ahead")


@pytest.fixture(scope="module")
def figures(results):
    """All figures, laid out, by name."""
    names = zip(results, (COMPARED, OF_STUDY, OF_ONE_SIZE), strict=True)
    figures = {name: study.figure(name) for study, of in names for name in of}
    for figure in figures.values():
        figure.draw_without_rendering()
    return figures


def test_a_look_follows_from_what_a_variant_is_and_no_two_are_alike():
    """Regardless of the names of depths, and of how deep the others go."""

    def looks(names, ladder):
        return style.looks({"variants": names, "ladder": ladder})

    ladder = {"standalone": -1, "fixed-0": 0, "fixed-2": 2}
    first = looks(VARIANTS, ladder)
    assert looks(["deep"], {"deep": 2})["deep"] == first["fixed-2"]
    assert looks(["fixed-2", "a"], {"fixed-2": 2})["fixed-2"] == first["fixed-2"]
    names = [*(f"v{n}" for n in range(100)), *(f"d{n}" for n in range(-1, 30))]
    many = looks(names, {f"d{n}": n for n in range(-1, 30)})
    assert len(set(many.values())) == len(many) == 131
    # Neighbours differ in colour, line and marker, so that one of these may be lost.
    for look, neighbour in itertools.pairwise(style.look(n) for n in range(60)):
        assert not {*map(str, look)} & {*map(str, neighbour)}


@pytest.mark.parametrize("name", COMPARED + OF_STUDY + OF_ONE_SIZE)
def test_figures_keep_the_rules(figures, name):
    figure = figures[name]
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_visible()]
    # A hyphen is no minus sign, and no number is a power of ten.
    assert not [text for text in texts if re.search(r"(^|[\s(])-[\d.]|[×^]", text)]
    assert figure.get_suptitle().count("\n") == 1
    assert figure.get_supxlabel().endswith(".")
    # Nothing is cut off, and no words lie on others or on a panel.
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert min(box.x0, box.y0) >= -1
    assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
    words = [figure._suptitle, figure._supxlabel, figure._supylabel, *figure.legends]
    boxes = [word.get_window_extent() for word in words if word is not None]
    panels = [panel.get_tightbbox() for panel in figure.axes]
    pairs = [*itertools.combinations(boxes, 2), *itertools.product(boxes, panels)]
    assert not [pair for pair in pairs if pair[0].overlaps(pair[1])]


def test_figures_show_the_numbers_of_the_tables(figures, results):
    compared, study, single = results
    rows, panels = compared.comparisons, figures["boxplot"].axes[0].collections
    values = scores().query("target_size == 'all'").groupby("variant", sort=False)
    for points, (_, part) in zip(panels, values, strict=True):
        heights = points.get_offsets()[:, 1]
        np.testing.assert_allclose(sorted(heights), sorted(part["score"]))
    (panel,) = figures["differences"].axes
    points = [line for line in panel.lines if line.get_marker() != "None"]
    typical = [*single.comparisons["typical"]]
    assert [line.get_xdata()[0] for line in points] == typical
    means, gains = figures["target-sizes"].axes
    ticks = [label.get_text() for label in means.get_xticklabels()]
    assert ticks == ["9", "50", "100", "all"]
    lines = [line.get_ydata() for line in gains.lines if len(line.get_xdata()) == 4]
    for variant, line in zip(VARIANTS[1:], lines, strict=True):
        assert [*line] == [*rows[rows["variant"] == variant]["typical"]]
    # Panels that share an axis show all, also what the first would leave out.
    panels = [panel for panel in figures["source-spread"].axes if panel.collections]
    low, high = panels[0].get_ylim()
    ends = np.array([panel.dataLim.intervaly for panel in panels])
    assert low <= ends.min() and ends.max() <= high
    # Each mean is on the range of its source model.
    ranges, points, *_ = panels[0].collections
    for segment, (_, mean) in zip(
        ranges.get_segments(), points.get_offsets(), strict=True
    ):
        assert segment[0, 1] <= mean <= segment[1, 1]
    grid = figures["freeze-map"].axes[0]
    means, _ = study.figure("target-sizes").axes
    for labels in (grid.get_yticklabels(), means.get_xticklabels()):
        assert [label.get_text() for label in labels] == ["10", "all"]
    rows = study.comparisons.query("variant in ['fixed-0', 'fixed-1']")
    gains = rows.set_index(["target_size", "variant"])["typical"]
    places = itertools.product(["10", "all"], ["fixed-0", "fixed-1"])
    cells = grid.collections[0].get_array().ravel()
    assert [*cells] == [gains[place] for place in places]
    place = "target_size == 'all' and variant == 'fixed-1' and metric == 'train_loss'"
    curves = pd.read_csv(study.folder / "learning-curves.csv").query(place)
    lines = figures["learning-curves"].axes[0].lines
    assert any([*line.get_ydata()] == [*curves["median"]] for line in lines)


def test_no_settings_of_the_working_folder_are_picked_up(tmp_path):
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 40\n")
    code = "import matplotlib as mpl; from thaw.figures.style import figure;"
    code += "figure(1, 1); print(mpl.rcParams['lines.linewidth'])"
    options = {"cwd": tmp_path, "env": {"PYTHONPATH": str(ROOT / "workflow")}}
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True, **options) == "1.5\n"
