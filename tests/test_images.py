"""Folders of images: read, refused file by file, and studied from end to end."""

import os
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from configs import recipes
from conftest import SMALL_CONFIG
from thaw import keys
from thaw.cli.main import main
from thaw.config.resolve import examine
from thaw.data import READS_IMAGES
from thaw.data.images import pixels
from thaw.data.make import make_problem
from thaw.errors import ThawError
from thaw.keys import known_digest

SETTINGS = {"images": {}, "size": [4, 4], "train_size": 0.5, "shuffle": 1}
GREY = {"color": "grey"}


def save(path, points, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(points)).save(path, **how)


def photos(folder, rows=10, seed=0):
    """Write images of cats, which are bright, and of dogs."""
    rng = np.random.default_rng(seed)
    for number in range(rows):
        for name, least in (("cats", 120), ("dogs", 0)):
            points = rng.integers(least, least + 120, (6, 8, 3)).astype(np.uint8)
            save(folder / name / f"{number:02}.png", points)
    return folder


def refused(folder, **changes):
    with pytest.raises(ThawError) as error:
        make_problem(SETTINGS | changes, [folder])
    return [line.replace(f"{folder}", "photos") for line in error.value.args]


def test_a_row_is_an_image_by_its_name(tmp_path):
    folder = photos(tmp_path / "photos")
    problem, told = make_problem(SETTINGS, [folder])
    assert (told.shape, told.classes) == ([3, 4, 4], ["cats", "dogs"])
    assert told.files[0] == "cats/00.png" and len(told.files) == 20
    assert problem.train_x.shape == (10, 48) and problem.train_x.dtype == np.float32
    assert 0 <= problem.train_x.min() < 0.2 and 0.8 < problem.train_x.max() <= 1
    for x, label, row in zip(
        problem.test_x, problem.test_y, problem.test_rows, strict=True
    ):
        name = told.files[row - 1]
        assert name.startswith(told.classes[label])
        np.testing.assert_array_equal(
            x, pixels([folder / name], told.shape)[0].astype(np.float32)
        )
    # Of some classes, a row keeps its number.
    photos(folder / "x").rename(tmp_path / "apart")
    save(folder / "ants/1.png", np.zeros((4, 4), np.uint8))
    problem, told = make_problem(SETTINGS | {"classes": ["dogs", "cats"]}, [folder])
    assert told.files[0] == "ants/1.png" and 1 not in problem.test_rows
    assert told.classes == ["dogs", "cats"]


def test_images_of_all_kinds_become_numbers_from_0_to_1(tmp_path):
    ramp = np.arange(16, dtype=np.uint8).reshape(4, 4) * 17
    save(tmp_path / "grey.png", ramp)
    save(tmp_path / "deep.png", (ramp / 255 * 65535).astype(np.uint16))
    Image.fromarray(ramp).convert("P").save(tmp_path / "palette.gif")
    Image.fromarray(ramp).convert("CMYK").save(tmp_path / "print.tif")
    for name in ("grey.png", "deep.png", "palette.gif"):
        for channels in (1, 3):
            (x,) = pixels([tmp_path / name], [channels, 4, 4])
            for channel in x.reshape(channels, -1):
                np.testing.assert_allclose(channel, ramp.ravel() / 255, atol=1e-4)
    assert pixels([tmp_path / "print.tif"], [3, 4, 4]).shape == (1, 48)
    # Colours come channel by channel; transparent points are white.
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0, 0] = [255, 0, 0, 255]
    save(tmp_path / "clear.png", clear)
    (x,) = pixels([tmp_path / "clear.png"], [3, 2, 2])
    assert x.tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1]
    # A camera that was held upright says so.
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "upright.png", ramp[:2], exif=exif)
    (x,) = pixels([tmp_path / "upright.png"], [1, 4, 2])
    turned = np.rot90(ramp[:2], -1) / 255
    np.testing.assert_allclose(x, turned.ravel())
    # A smaller image keeps the mean of its points.
    (x,) = pixels([tmp_path / "grey.png"], [1, 1, 1])
    assert abs(x[0] - 0.5) < 0.01


def test_each_file_that_is_no_image_is_named(tmp_path):
    folder = photos(tmp_path / "photos")
    whole = (folder / "cats/03.png").read_bytes()
    (folder / "cats/03.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dogs/notes.txt").write_text("good dogs")
    save(folder / "dogs/float.tif", np.ones((4, 4), np.float32))
    lines = refused(folder)
    assert [line.partition(":")[0] for line in lines] == [
        *("photos/cats/03.png", "photos/dogs/float.tif", "photos/dogs/notes.txt")
    ]
    assert lines[2] == (
        "photos/dogs/notes.txt: cannot be read as an image: it is of no format that "
        "Pillow knows; correct or remove it"
    )
    assert "numbers of 32 bits; save 8 or 16 bits" in lines[1]


def test_a_folder_of_another_form_is_refused(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    layout = "a class is a folder, as in photos/cats/1.png"
    assert refused(folder) == [f"photos: it holds no images; {layout}"]
    save(folder / "1.png", np.zeros((4, 4), np.uint8))
    loose = f"photos/1.png: it lies in no class's folder; {layout}"
    assert refused(folder) == [loose]
    (folder / "1.png").unlink()
    photos(folder)
    (folder / "birds").mkdir()
    assert refused(folder) == [
        "photos/birds: this class holds no images; add some, or remove it"
    ]
    save(folder / "birds/1.png", np.zeros((4, 4), np.uint8))
    assert refused(folder) == [
        "photos: class 'birds' has one row (birds/1.png); one to train on and one to "
        "test on are the least"
    ]
    (line,) = refused(folder, classes=["cats"])
    assert "all rows belong to class 'cats'" in line


def test_what_cannot_be_read_in_a_folder_is_named(tmp_path):
    folder = photos(tmp_path / "photos")
    (folder / "dogs/lost.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "dogs/pipe.png")
    with pytest.raises(ThawError) as caught:
        known_digest(folder)
    assert caught.value.args == tuple(
        f"{folder}/dogs/{name}.png: it cannot be read; allow it, or remove it"
        for name in ("lost", "pipe")
    )
    if os.getuid() == 0:  # may read anything
        return
    (folder / "dogs/more").mkdir(mode=0)
    with pytest.raises(ThawError, match="dogs/more: it cannot be read"):
        known_digest(folder)


def test_classes_that_hardly_differ_are_warned_about(tmp_path):
    folder = photos(tmp_path / "photos")
    shutil.copytree(folder / "cats", folder / "cats ")
    _, description = make_problem(SETTINGS, [folder])
    assert description.warnings == [
        "warning: column class has 'cats', 'cats ', which differ in case or blanks "
        "only; write them alike?"
    ]


def test_what_others_left_in_a_folder_is_no_image_and_no_content(tmp_path):
    folder = photos(tmp_path / "photos")
    before = known_digest(folder)
    for name in (".DS_Store", "cats/.DS_Store", "dogs/Thumbs.db", ".git/HEAD"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"left")
    assert known_digest(folder) == before
    make_problem(SETTINGS, [folder])
    (folder / "cats/00.png").rename(folder / "cats/new.png")
    renamed = known_digest(folder)
    save(folder / "cats/new.png", np.zeros((4, 4), np.uint8))
    assert len({before, renamed, known_digest(folder)}) == 3


def test_a_hundred_and_more_numbered_classes_are_classes(tmp_path):
    for number in range(2 * 101):
        place = tmp_path / f"photos/{number % 101}/{number}.png"
        save(place, np.full((2, 2), number, np.uint8))
    told = make_problem(SETTINGS | GREY, [tmp_path / "photos"])[1]
    assert told.classes == [*map(str, range(101))] and told.shape == [1, 4, 4]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(
            ({key: value}, f"problems.two.{key}: does not go together with images; re")
            for key, value in (
                *(("label", "class"), ("categorical", ["a"]), ("group", "a")),
                *(("rows", {"a": 1}), ("drop", ["a"]), ("bins", 3)),
                *(("shape", [3, 4, 4]), ("made_by_rule", True)),
                ("test_file", "here.csv"),
            )
        ),
        ({"task": "regression"}, "problems.two.task: the folders of images are class"),
        ({"size": None}, "problems.two.size: this key is missing; images get one hei"),
        ({"size": [4]}, "problems.two.size: "),
        ({"color": "green"}, "problems.two.color: 'green'"),
        ({"images": "photo/"}, "problems.two.images: 'photo/' is no folder (from "),
        ({"images": "here.csv"}, "problems.two.images: 'here.csv' is no folder"),
        (
            {"file": "here.csv"},
            "problems.two: more than one data source (file, images)",
        ),
        (GREY, "studies.ahead.target: images of 'two' are [1, 4, 4], those of the"),
        (
            {"images": None, "make_moons": {"random_state": 1}},
            "problems.two.size: only applies to images; remove it",
        ),
    ],
)
def test_contradictions_are_told(folder, changes, words):
    photos(folder / "photos")
    images = {"images": "photos/", "size": [4, 4], "train_size": 10, "shuffle": 1}
    changed = {k: v for k, v in (images | changes).items() if v is not None}
    problems = {"one": images, "two": changed}
    studies = {"ahead": SMALL_CONFIG["studies"]["ahead"]}
    _, mistakes = examine(SMALL_CONFIG | {"problems": problems, "studies": studies})
    assert [line for line in mistakes if line.startswith(words)], mistakes


def test_the_output_is_drawn_anew_for_images_of_other_classes(folder):
    def fresh(**changes):
        old = IMAGES | {"images": "old"}
        problems = {"one": old, "two": old | changes}
        studies = {"ahead": SMALL_CONFIG["studies"]["ahead"]}
        config = SMALL_CONFIG | {"problems": problems, "studies": studies}
        return recipes(config)["fixed-1"].recipe["settings"]["variant"].get("fresh")

    for name in ("old", "same", "other"):
        photos(folder / name)
    (folder / "other/dogs").rename(folder / "other/birds")
    assert fresh(images="same") is None
    assert fresh(images="other") == fresh(classes=["dogs", "cats"]) == ["output"]


def test_only_problems_of_images_depend_on_pillow():
    of_images = {"images": {"computed_by": [keys.STAGE, READS_IMAGES]}}
    for settings, is_there in (({}, False), (of_images, True)):
        versions = keys.recipe("make_problem", settings, {})["versions"]
        assert ("PIL" in versions) == is_there


def test_init_says_what_to_write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "photos")
    done = CliRunner().invoke(main, ["init", "photos", "--label", "x"])
    assert done.exit_code == 1
    assert "error: photos is a folder, and thaw init takes tables. For" in done.output
    assert "write `images: photos` and `size: [32, 32]`" in done.output


NETWORK = """
from torch import nn


def small(shape, classes):
    channels, height, width = shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * height * width, classes),
    )
"""
IMAGES = {"size": [4, 6], "train_size": 10, "shuffle": 1}
CONFIG = SMALL_CONFIG | {
    "network": {
        "module": "networks.py:small",
        "arguments": {"shape": "$shape", "classes": "$classes"},
    },
    "repeats_per_job": "auto",
    "problems": {
        "old": IMAGES | {"images": "old/"},
        "new": IMAGES | {"images": "new"},
    },
    "variants": {
        "standalone": {"pretrained": False},
        "fixed-1": {"freeze": 1, "save": "weights"},
    },
    "studies": {
        "photos": {
            "source": "old",
            "target": "new",
            "variants": ["standalone", "fixed-1"],
            "repeats": 2,
        }
    },
}


@pytest.fixture(scope="module")
def studied(once):
    def write(folder):
        photos(folder / "old")
        photos(folder / "new", 12, 1)
        (folder / "networks.py").write_text(NETWORK)

    return once("images", CONFIG, write)


def test_a_study_of_images_names_them(studied):
    results = studied.folder / "results/photos"
    rows = pd.read_csv(results / "rows.csv")
    assert [*rows][:4] == ["target_size", "row", "file", "class"] and len(rows) == 14
    assert (rows["file"].str.partition("/")[0] == rows["class"]).all()
    names = sorted(
        p.relative_to(studied.folder / "new").as_posix() for p in files(studied)
    )
    assert [names[row - 1] for row in rows["row"]] == [*rows["file"]]
    scores = pd.read_csv(results / "scores.csv")
    assert (scores["failed"] == 0).all()


def files(project):
    return [*(project.folder / "new").glob("*/*.png")]


def test_images_that_change_or_come_make_their_problem_new(studied):
    assert not studied.stale("photos")
    path = studied.folder / "new/cats/00.png"
    before = path.read_bytes()
    save(path, np.zeros((6, 8, 3), np.uint8))
    stale = studied.stale("photos")
    path.write_bytes(before)
    assert any(job.startswith("make_problem new") for job in stale)
    assert not any(job.startswith(("make_problem old", "pretrain")) for job in stale)
    assert not studied.stale("photos")


def test_saved_networks_predict_a_folder_of_images(studied, tmp_path, monkeypatch):
    monkeypatch.chdir(studied.folder)
    save(tmp_path / "bright.png", np.full((9, 9, 3), 180, np.uint8))
    save(tmp_path / "more/dark.jpg", np.full((9, 9, 3), 60, np.uint8))
    done = CliRunner().invoke(main, ["predict", "photos", "fixed-1", str(tmp_path)])
    assert not done.exit_code, done.output
    found = pd.read_csv(StringIO(done.stdout))
    assert [*found] == ["file", "predicted", "p_cats", "p_dogs"]
    assert [*found["file"]] == ["bright.png", "more/dark.jpg"]
    assert found["p_cats"][0] > found["p_cats"][1]
    (tmp_path / "none").mkdir()
    done = CliRunner().invoke(
        main, ["predict", "photos", "fixed-1", str(tmp_path / "none")]
    )
    assert "none: it holds no images" in done.output


def test_check_names_what_is_wrong_with_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("old", "new"):
        photos(Path(name))
    Path("networks.py").write_text(NETWORK)
    Path("new/cats/03.png").write_bytes(b"no image")
    Path("config.yaml").write_text(yaml.safe_dump(CONFIG))
    done = CliRunner().invoke(main, ["check"])
    assert "problems.new: new/cats/03.png: cannot be read as an image" in done.output
