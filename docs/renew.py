"""Make the pictures and numbers of README and the pages anew, by the commands there.

`.venv/bin/python docs/renew.py` runs the studies that the pages show (what is made
already is not made again), then

- copies their pictures to docs/pictures/,
- replaces what stands between `<!-- from PATH -->` and `<!-- end -->` by the text of
  that file, which a study wrote (`PATH, table 2`: its second Markdown table),
- replaces what stands between `<!-- date -->` and `<!-- end -->` by today's date,
- names every number in a page's prose that its studies did not write.

It ends with status 1 if there are any. A page that is named (`docs/tutorial.md`) is
made anew alone. Pages of benchmarks and calibration have programs of their own.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

# Numbers that a study writes: scores, differences, shares; and kelvin, of which only a
# page's prose says what they are.
NUMBER = re.compile(r"(?<![\w.])[-+]?\d\.\d{3}\b|(?<![\w.])\d+(?= %)")
KELVIN = re.compile(r"(?<![\w.])[-+]?\d+\.\d(?= K\b| to [-+]?\d+\.\d K\b)")
ONE_DECIMAL = re.compile(r"\d+\.\d\b")
BLOCK = re.compile(
    r"(<!-- from ([^,\n]+?)(?:, table (\d+))? -->\n).*?(<!-- end -->)", re.S
)
CODE = re.compile(r"```.*?```", re.S)
DATE = re.compile(r"(<!-- date -->).*?(<!-- end -->)")


class Study(NamedTuple):
    """A folder with studies: options of its command, and its pictures by name.

    before: a script that makes the data, and their folder, unless that is there.
    """

    options: Sequence[str]
    pictures: dict[str, str]
    before: Sequence[str] = ()


# Of folders whose data come from packages.
WITH_RULES = (
    *("--snakefile", "studies/Snakefile"),
    *("--workflow-profile", "profiles/default"),
)

POINTS, CNN = "studies/flash-points", "studies/digits-cnn"
SOURCES, RECIPES = "studies/which-source", "studies/recipes"
STUDIES = {
    ".": Study(
        (),
        {
            "problems": "problems/problems",
            "boxplot": "forward/boxplot",
            "learning-curves": "forward/learning-curves",
            **{
                name: f"many-sources/{name}"
                for name in ("differences", "source-spread")
            },
        },
    ),
    POINTS: Study(
        WITH_RULES,
        {
            "freeze-map": "maps/flash-point-thirds/freeze-map",
            "flash-points": "maps/flash-point/freeze-map",
        },
    ),
    SOURCES: Study(WITH_RULES, {"which-source": "which-source/differences"}),
    RECIPES: Study(WITH_RULES, {"recipes": "flash-points/target-sizes"}),
    "studies/your-table": Study(
        (),
        {
            "penguins": "maps/gentoo/freeze-map",
            "penguins-sizes": "own-scale/target-sizes",
        },
    ),
    "studies/digits": Study(
        (),
        {"digits": "maps/digits/freeze-map", "digits-noisy": "to-noisy/target-sizes"},
    ),
    CNN: Study(WITH_RULES, {"digits-cnn": "to-mnist/freeze-map"}),
    "studies/r-net": Study(
        (),
        {"r-net": "from-faces/freeze-map"},
        ("studies/r-net/make_files.py", "studies/r-net/data"),
    ),
    "studies/images": Study(
        (),
        {"images": "from-low/target-sizes"},
        ("studies/images/make_images.py", "studies/images/data"),
    ),
    "studies/sequences": Study(
        (),
        {"sequences": "from-boiling/freeze-map"},
        ("studies/scripts/make_tokens.py", "studies/sequences/data"),
    ),
    "studies/imbalance": Study(
        (),
        {"imbalance": "plain/target-sizes"},
        ("studies/imbalance/make_tables.py", "studies/imbalance/data"),
    ),
    "examples/trainer": Study((), {}),
}

# Numbers that the textbook prints; no study wrote them.
TEXTBOOK = (
    *("0.920", "0.787", "0.101", "0.805", "0.004"),
    *("0.817", "0.005", "0.750", "0.014"),
)

# The pages, and the folders whose results they show.
PAGES = {
    "README.md": [".", POINTS],
    "docs/misleading.md": [".", POINTS],
    "docs/flash-points.md": [POINTS],
    "docs/which-source.md": [SOURCES],
    "docs/recipes.md": [RECIPES],
    "docs/tutorial.md": ["studies/your-table"],
    "docs/digits.md": ["studies/digits"],
    "docs/digits-cnn.md": [CNN],
    "docs/r-net.md": ["studies/r-net"],
    "docs/images.md": ["studies/images"],
    "docs/sequences.md": ["studies/sequences"],
    "docs/imbalance.md": ["studies/imbalance"],
    "docs/trainer.md": ["examples/trainer"],
    "docs/gallery.md": [*STUDIES],
}


def run(folder: str) -> None:
    """Run a folder's studies, and copy the pictures that pages show of them."""
    study = STUDIES[folder]
    if study.before and not (ROOT / study.before[-1]).exists():
        subprocess.run([sys.executable, *study.before], cwd=ROOT, check=True)
    command = [str(SNAKEMAKE), "--cores", str(os.cpu_count()), *study.options]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True)
    for name, figure in study.pictures.items():
        picture = ROOT / folder / f"results/{figure}.png"
        shutil.copyfile(picture, ROOT / f"docs/pictures/{name}.png")


def renew(text: str) -> str:
    """Return a page with all that it quotes as it is now."""

    def quote_file(match: re.Match[str]) -> str:
        begin, path, table, end = match.groups()
        written = (ROOT / path).read_text(encoding="utf-8").strip()
        language = {".yaml": "yaml", ".py": "python"}.get(Path(path).suffix, "text")
        quote = f"```{language}\n{written}\n```"
        if table:
            tables = re.findall(r"(?:^\|.*\n?)+", written, re.MULTILINE)
            quote = tables[int(table) - 1].strip()
        return f"{begin}\n{quote}\n\n{end}"

    today = f"{date.today():%-d %B %Y}"
    return DATE.sub(rf"\g<1>{today}\g<2>", BLOCK.sub(quote_file, text))


def find_unfounded(text: str, folders: Sequence[str]) -> Iterator[str]:
    """Yield the numbers of a page that no text of its studies holds."""
    written = " ".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder / "results").rglob("*.md"))
    )
    # The page says in words what a sign says.
    known = {*TEXTBOOK, *(number.lstrip("+-") for number in NUMBER.findall(written))}
    known.update(ONE_DECIMAL.findall(written))
    prose = " ".join(CODE.sub("", BLOCK.sub("", text)).split())
    for number in (*NUMBER.finditer(prose), *KELVIN.finditer(prose)):
        if number[0].lstrip("+-") not in known:
            yield f"{number[0]}: … {prose[max(0, number.start() - 60) : number.end()]}"


def main() -> int:
    """Make pages anew; return how many of their numbers nothing holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", help=f"of {', '.join(PAGES)}; or all")
    names = parser.parse_args().pages or [*PAGES]
    if unknown := sorted({*names} - {*PAGES}):
        parser.error(f"no such page: {', '.join(unknown)}")
    count = 0
    for name in names:
        path, folders = ROOT / name, PAGES[name]
        for folder in folders:
            run(folder)
        text = renew(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        for line in find_unfounded(text, folders):
            count += 1
            print(f"{name}: {line}")
    return count


if __name__ == "__main__":
    sys.exit(min(main(), 1))
