"""The pages: their content, and their behaviour in a browser."""

import csv
import json
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

import pages
from pages import MARKUP
from thaw.findings.gains import estimate
from thaw.page.page import markdown, typeset

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NUMBERS = ("typical", "typical_low", "typical_high")
PAGES = ["report.html", "sizes/page.html"]


@pytest.fixture(scope="module")
def project(store):
    return store.finished(pages.CONFIG, write=pages.write)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, project, name: str):
        super().__init__()
        self.html = (project.folder / "results" / name).read_text()
        self.tags, self.text = [], ""
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(params=PAGES)
def page(request, project):
    return Page(project, request.param)


def test_user_supplied_names_are_no_markup(project, page):
    assert not [tag for tag, attrs in page.tags if "onerror" in attrs]
    # Each of them is text.
    text = Page(project, "report.html").text
    assert f"T {MARKUP}" in text and f"Q {{x}}_ {MARKUP}" in text
    assert f"S {MARKUP}" in page.text
    assert "<b>" not in markdown("| a |\n| - |\n| <b>x</b> |\n")
    assert typeset("-1").endswith("\N{MINUS SIGN}1")


def test_nothing_is_requested_links_agree_and_no_script_may_run(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.html)[1]
    assert policy.startswith("default-src 'none';") and "script" not in policy
    for tag, attrs in page.tags:
        for name in ("src", "href", "xlink:href"):
            link = attrs.get(name) or ""
            assert "//" not in link.partition("base64,")[0], (tag, link)
    # Links within the page lead somewhere, to one place each.
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len({*ids}) == len(ids)
    links = re.findall(r'(?:url\(|href=")#([\w-]+)', page.html)
    assert links and {*links} <= {*ids}


def test_a_page_holds_the_answer_each_comparison_and_each_figure(project, page):
    folder = project.folder / "results/sizes"
    text = " ".join(page.text.replace("\N{MINUS SIGN}", "-").split())
    for part in json.loads((folder / "answer.json").read_text()):
        assert all(sentence in text for sentence in part["sentences"])
    assert "networks failed" in text
    assert "from 2 features; 40 train and 80 test rows. Network 2-4-3-3" in text
    assert "; SGD, learning rate 0.1, batches of 8, 3 epochs." in text
    header, *rows = (folder / "comparisons.csv").read_text().splitlines()
    body = re.search(r'"Comparisons of sizes".*?</table>', page.html, re.S)[0]
    assert body.count("<tr>") == len(rows)
    for row in csv.DictReader([header, *rows]):
        numbers = {key: float(row[key] or "nan") for key in NUMBERS}
        assert typeset(estimate(numbers, 0.01, "")) in body
    # Also an interval without an end stays within its cell.
    places = re.findall(r'class="(?:line|dot)" d="M([\d.-]+)', page.html)
    assert places and all(0 <= float(place) <= 100 for place in places)
    # No name is taken for a missing value.
    assert "nan" in re.findall(r"<code>(.*?)</code>", body)
    # The comparisons are a table there, and the report has the problems' figure.
    names = {path.stem for path in folder.glob("*.svg")} - {"differences"}
    assert {"boxplot", "learning-curves", "target-sizes", "freeze-map"} <= names
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == len(names) + (f"Q {{x}}_ {MARKUP}" in page.text)
    assert all(attrs["src"].startswith("data:image/png;") for attrs in images)
    assert all(int(attrs["width"]) > 200 and attrs["alt"] for attrs in images)


def test_pages_have_the_same_bytes_in_every_run(store, tmp_path):
    project = store.copy(tmp_path / "project", pages.CONFIG, write=pages.write)
    before = project.results("**/*.html")
    for path in project.folder.glob("results/**/*.html"):
        path.unlink()
    project.make()
    assert project.results("**/*.html") == before


@pytest.mark.slow
def test_snakemakes_report_shows_pages_and_figures(store, tmp_path):
    project = store.copy(tmp_path / "project", pages.CONFIG, write=pages.write)
    project.snakemake("--report", "report.zip")
    with zipfile.ZipFile(project.folder / "report.zip") as report:
        names = [Path(name).name for name in report.namelist()]
    assert {"report.html", "page.html", "boxplot.svg"} <= {*names}


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    options = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-gpu"]}
    with sync_api.sync_playwright() as api, api.chromium.launch(**options) as chromium:
        yield chromium


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_in_a_browser(project, browser, name, width, scheme):
    screen = {"viewport": {"width": width, "height": 850}, "color_scheme": scheme}
    # The policy is off for axe alone.
    page = browser.new_page(offline=True, bypass_csp=True, **screen)
    page.goto((project.folder / "results" / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Paper shows what is folded on a screen.
    is_seen = "[...document.images].every(image => image.checkVisibility())"
    assert not page.evaluate(is_seen)
    page.emulate_media(media="print")
    assert page.evaluate(is_seen)
    page.emulate_media(media="screen")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(Path(__file__).with_name("axe").joinpath("axe.min.js").read_text())
    violations = page.evaluate("axe.run().then(result => result.violations)")
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []
    page.close()


@pytest.mark.slow
def test_a_page_works_by_keyboard_and_without_errors(project, browser):
    page, errors = browser.new_page(offline=True), []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((project.folder / "results/report.html").as_uri())
    assert page.locator("h1").count() == 1
    page.locator("nav a").last.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#made"
    assert errors == []
    page.close()
