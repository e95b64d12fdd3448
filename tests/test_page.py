"""The report page: its content, and its behaviour in a browser."""

import base64
import hashlib
import json
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, SMALL_CONFIG, new_project
from thaw.figures.for_page import COLOURS
from thaw.page import drawn
from thaw.page.page import markdown, typeset

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MARKUP = '<img src=x onerror="alert(1)">&amp;'
AXE = Path(__file__).with_name("axe") / "axe.min.js"
SCREENS = {"desk": (1280, 900, "light"), "phone": (390, 844, "dark")}


def config_with_markup():
    """A swept study and one that is not, with markup in user-supplied names."""
    config = json.loads(json.dumps(SMALL_CONFIG))
    config |= {"title": f"T {MARKUP}", "question": f"Q {{x}}_ {MARKUP}"}
    named = {"file": "named.csv", "label": f"L {MARKUP}", "train_size": 40}
    config["problems"]["named"] = named | {"shuffle": 1}
    asked = {"source": "named", "target": "named", "target_sizes": [10, "all"]}
    config["studies"]["sizes"] = config["studies"]["ahead"] | asked
    # A study that fails, with the name that pandas gives to missing values.
    config["variants"]["nan"] = {"training": {"learning_rate": 1_000_000}}
    odd = {"variants": ["standalone", "nan"], "metric": "log_loss", "margin": 0.05}
    config["studies"]["odd"] = config["studies"]["ahead"] | odd
    return config


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that is made, whose class names are markup."""
    project = new_project(tmp_path_factory.mktemp("page") / "project")
    rng = np.random.default_rng(0)
    rows = ["a,b," + '"L ' + MARKUP.replace('"', '""') + '"']
    for number in range(120):
        x, y = rng.normal(size=2) + number % 3
        name = f"{'xyz'[number % 3]} {MARKUP}".replace('"', '""')
        rows.append(f'{x:.4f},{y:.4f},"{name}"')
    (project.folder / "named.csv").write_text("\n".join(rows) + "\n")
    project.config = config_with_markup()
    project.snakemake("--cores", "2", "--quiet")
    return project


class Text(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def pages(project):
    results = project.folder / "results"
    return {
        str(path.relative_to(results)): path.read_text()
        for path in [results / "report.html", *sorted(results.glob("*/page.html"))]
    }


def test_there_is_a_page_of_all_and_one_of_each_study(project):
    found = pages(project)
    assert [*found] == [
        *("report.html", "ahead/page.html", "back/page.html", "odd/page.html"),
        "sizes/page.html",
    ]
    for html in found.values():
        assert len(html) < 500_000


def test_user_supplied_names_are_no_markup(project):
    for html in pages(project).values():
        found = Text(html)
        assert not [tag for tag, _ in found.tags if tag == "img"]
        assert not [attrs for _, attrs in found.tags if "onerror" in attrs]
    report = Text(pages(project)["report.html"]).text
    assert f"T {MARKUP}" in report and f"Q {{x}}_ {MARKUP}" in report
    # The names of classes stand in the tables of a study's own page.
    assert f"x {MARKUP}" in Text(pages(project)["sizes/page.html"]).text


def test_nothing_is_requested_and_only_our_script_may_run(project):
    for html in pages(project).values():
        found = Text(html)
        policy = next(
            attrs["content"]
            for tag, attrs in found.tags
            if attrs.get("http-equiv") == "Content-Security-Policy"
        )
        (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
        digest = hashlib.sha256(script.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy
        assert policy.startswith("default-src 'none';")
        for tag, attrs in found.tags:
            for name in ("src", "href", "xlink:href"):
                link = attrs.get(name, "")
                assert "//" not in link.partition("base64,")[0], (tag, link)


def test_the_same_results_give_the_same_bytes(project):
    before = pages(project)
    for name in before:
        (project.folder / "results" / name).unlink()
    project.snakemake("--cores", "1", "--quiet")
    assert pages(project) == before


def test_a_page_holds_what_the_answer_says(project):
    folder = project.folder / "results"
    for name in ("ahead", "back", "sizes"):
        parts = json.loads((folder / name / "answer.json").read_text())
        for html in (
            pages(project)["report.html"],
            pages(project)[f"{name}/page.html"],
        ):
            text = " ".join(Text(html).text.replace("\N{MINUS SIGN}", "-").split())
            for part in parts:
                if part["heading"] != "What was compared":
                    for sentence in part["sentences"]:
                        assert sentence in text


def test_failed_networks_and_odd_names_are_shown(project):
    found = Text(pages(project)["odd/page.html"])
    bars = [attrs["d"] for _, attrs in found.tags if attrs.get("class") == "bars"]
    assert len(bars) == 2 and all(bars)
    assert "networks failed" in Text(pages(project)["report.html"]).text
    own = [attrs.get("data-value") for tag, attrs in found.tags if tag == "td"]
    assert {"nan", "standalone"} <= {*own}


def test_ids_and_links_agree(project):
    for html in pages(project).values():
        found = Text(html)
        ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
        assert len({*ids}) == len(ids)
        named = {*re.findall(r"url\(#([\w-]+)\)", html)}
        named |= {
            attrs[key][1:]
            for _, attrs in found.tags
            for key in ("href", "xlink:href")
            if attrs.get(key, "").startswith("#")
        }
        assert named <= {*ids}


def test_another_title_makes_the_report_alone(project):
    config = project.config
    project.config = config | {"title": "Another one"}
    assert project.stale() == {"report"}
    project.config = config


def test_every_colour_of_figures_has_two_shades():
    css = (ROOT / "workflow/thaw/page/style.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    for colour in COLOURS:
        name = f"--{colour[1:]}: "
        assert name in light and name in dark


def test_text_is_typeset():
    minus = "\N{MINUS SIGN}"
    found = typeset("costs -0.03 (-0.05 to -0.01)").replace(minus, "-")
    assert found == 'costs <span class="one">-0.03 (-0.05 to -0.01)</span>'
    assert typeset("-1") == f"{minus}1"
    assert typeset("fixed-2 <b>") == "fixed-2 &lt;b&gt;"
    assert "<b>" not in markdown("| a |\n| - |\n| <b>x</b> |\n")


def test_places_are_within_the_cell():
    axis = drawn.around([-0.2, 0.1, np.inf, np.nan], 0.01)
    assert axis.place(-0.2) < 5 and axis.place(0.1) > 95
    assert axis.place(-np.inf) == 0 and axis.place(np.inf) == 100
    ticks = dict(axis.ticks)
    assert ticks[axis.place(0)].lstrip("-") == "0.0"
    row = {"typical": 0.05, "typical_low": -np.inf, "typical_high": 0.1}
    one = drawn.interval(row | {"verdict": "no clear difference"}, axis, 0.01)
    assert one.outer[0] == 0 and one.inner is None and one.css == "unclear"


def test_snakemakes_report_shows_pages_and_figures(project):
    project.snakemake("--report", "report.zip")
    with zipfile.ZipFile(project.folder / "report.zip") as found:
        names = [Path(name).name for name in found.namelist()]
        shell = found.read("report/report.html").decode()
    assert names.count("page.html") == 4
    assert {"report.html", "boxplot.svg", "freeze-map.svg", "study.json"} <= {*names}
    for words in ("Answers", "How it was made", "A study on one page."):
        assert words in shell


# In a browser.


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as started:
        found = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture(params=["report.html", "sizes/page.html", "ahead/page.html"])
def address(request, project):
    return (project.folder / "results" / request.param).as_uri()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_is_sound_in_a_browser(browser, address, screen):
    width, height, scheme = SCREENS[screen]
    context = browser.new_context(
        offline=True,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        bypass_csp=True,  # for axe alone; the page's own script is tried below
    )
    page = context.new_page()
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(found => found.violations)")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    context.close()


def test_a_page_works_by_keyboard_and_asks_for_nothing(browser, address):
    context = browser.new_context(offline=True)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert page.locator("h1").count() == 1
    table = page.locator("details.comparisons").first
    table.evaluate("one => one.open = true")
    head = table.locator("th", has_text=re.compile("^Difference$"))
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    places = table.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => Number(row.querySelectorAll('td')"
        "[row.children.length - 5].dataset.value))"
    )
    assert places == sorted(places, reverse=True)
    page.get_by_role("button", name="Open all").focus()
    page.keyboard.press("Enter")
    assert page.locator("details:not([open])").count() == 0
    last = page.locator("nav a").last
    last.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#made"
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(page.pdf()) > 10_000
    context.close()
