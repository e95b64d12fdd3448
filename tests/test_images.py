"""Images, tokens and missing values: read, refused, and studied from end to end."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import thaw
from configs import TRAINER, message_of, small_config
from projects import SMALL_CONFIG
from small_tables import make_arrays
from thaw.cli.main import main
from thaw.data.images import pixels
from thaw.data.make import make_problem
from thaw.errors import ThawError
from thaw.external.checks import check_eval_mode
from thaw.keys import files_below, known_digest
from thaw.learning.module import ModuleNetwork

IMAGES = {"images": "photos/", "size": [4, 6], "train_size": 10, "shuffle": 1}
TOKENS = {"file": "tokens.npz", "tokens": True, "train_size": 40}
GAPS = {"file": "gaps.csv", "label": "class", "train_size": 60, "shuffle": 1}
GAPS |= {"missing": {"fill": "median"}, "scale": "standard"}
NETWORKS = """
import torch
from torch import nn

class Words(nn.Module):
    def __init__(self, vocabulary, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 6)
        self.output = nn.Linear(6, classes)

    def forward(self, x):
        assert x.dtype == torch.int64, x.dtype
        return self.output(self.embedding(x).mean(1))
"""
ARGUMENTS = {"vocabulary": 12, "classes": "$classes"}
MODULE = {"module": "networks.py:Words", "arguments": ARGUMENTS}
BLACK = np.zeros((4, 4), np.uint8)


def save(path, points, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(points)).save(path, **how)


def photos(folder):
    """Write ten images of cats, which are bright, and ten of dogs."""
    rng = np.random.default_rng(0)
    for name, least in (("cats", 120), ("dogs", 0)):
        for number in range(10):
            points = rng.integers(least, least + 120, (6, 8, 3)).astype(np.uint8)
            save(folder / name / f"{number:02}.png", points)
    return folder


def sentences():
    """Return rows of five words; in class 1, most words are of the second half."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    half = rng.random((80, 5)) < np.where(y, 0.9, 0.1)[:, None]
    x = rng.integers(0, 6, (80, 5)) + 6 * half
    x[0, 0] = 11
    return x, y


def gaps():
    """Return rows of three classes, some without a feature or both."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(150, 2)), columns=["heat", "mass"])
    frame = frame.mask(rng.random((150, 2)) < 0.2)
    return frame.assign(**{"class": np.repeat(["a", "b", "c"], 50)})


def write_data(folder):
    photos(folder / "photos")
    (folder / "networks.py").write_text(NETWORKS)
    x, y = sentences()
    np.savez(folder / "tokens.npz", X=x.astype(np.uint8), y=y)
    gaps().to_csv(folder / "gaps.csv", index=False)


def test_a_row_is_an_image_by_its_name(tmp_path):
    folder = photos(tmp_path / "photos")
    problem, description = make_problem(IMAGES, [folder])
    assert (description.shape, description.classes) == ([3, 4, 6], ["cats", "dogs"])
    assert problem.train_x.shape == (10, 72) and problem.train_x.dtype == np.float32
    for x, label, row in zip(*problem[2:5], strict=True):
        name = description.files[row - 1]
        assert name.startswith(description.classes[label])
        (expected,) = pixels([folder / name], description.shape)
        np.testing.assert_array_equal(x, np.float32(expected))
    # Of some classes, a row keeps its number.
    save(folder / "ants/1.png", BLACK)
    settings = IMAGES | {"classes": ["dogs", "cats"], "color": "grey"}
    problem, description = make_problem(settings, [folder])
    assert 1 not in problem.test_rows and problem.train_x.shape == (10, 24)
    assert description.classes == ["dogs", "cats"]


def test_images_of_all_kinds_become_numbers_from_0_to_1(tmp_path):
    ramp = np.arange(16, dtype=np.uint8).reshape(4, 4) * 17
    save(tmp_path / "grey.png", ramp)
    save(tmp_path / "deep.png", (ramp / 255 * 65535).astype(np.uint16))
    Image.fromarray(ramp).convert("P").save(tmp_path / "palette.gif")
    for name in ("grey.png", "deep.png", "palette.gif"):
        (x,) = pixels([tmp_path / name], [3, 4, 4])
        for channel in x.reshape(3, -1):
            np.testing.assert_allclose(channel, ramp.ravel() / 255, atol=1e-4)
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
    np.testing.assert_allclose(x, np.rot90(ramp[:2], -1).ravel() / 255)
    # A smaller image keeps the mean of its points.
    assert abs(pixels([tmp_path / "grey.png"], [1, 1, 1])[0, 0] - 0.5) < 0.01


def test_what_is_no_image_or_lies_elsewhere_is_named(tmp_path):
    folder = tmp_path / "photos"

    def assert_named(*beginnings):
        with pytest.raises(ThawError) as caught:
            make_problem(IMAGES, [folder])
        for line, beginning in zip(caught.value.args, beginnings, strict=True):
            assert line.startswith(f"{folder}{beginning}")

    folder.mkdir()
    layout = f"a class is a folder, as in {folder}/cats/1.png"
    assert_named(f": it holds no images; {layout}")
    photos(folder)
    save(folder / "1.png", BLACK)
    (folder / "birds").mkdir()
    loose = f"/1.png: it lies in no class's folder; {layout}"
    assert_named(loose, "/birds: this class holds no images; add")
    (folder / "1.png").rename(folder / "birds/1.png")
    cat = folder / "cats/03.png"
    cat.write_bytes(cat.read_bytes()[:99])
    (folder / "dogs/notes.txt").write_text("good dogs")
    save(folder / "dogs/float.tif", np.ones((4, 4), np.float32))
    broken = ("cats/03.png", "dogs/float.tif", "dogs/notes.txt")
    assert_named(*(f"/{name}: cannot be read as an image: " for name in broken))
    (folder / "dogs/lost.png").symlink_to("nowhere.png")
    with pytest.raises(ThawError, match=r"dogs/lost.png: it cannot be read; allow it"):
        known_digest(folder)


def test_links_to_a_folder_around_them_are_not_followed(tmp_path):
    """Two of them would lead to 2^40 paths."""
    folder = photos(tmp_path / "photos")
    names = files_below(folder)
    (folder / "dogs/all").symlink_to(folder)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/back").symlink_to(folder)
    (folder / "cats/again").symlink_to(tmp_path / "elsewhere")
    assert files_below(folder) == names
    # A second link to the same images stands for them, too.
    (folder / "more").symlink_to(folder / "dogs")
    more = [name.replace("dogs/", "more/") for name in names if "dogs/" in name]
    assert files_below(folder) == sorted([*names, *more])


def test_files_that_a_system_left_are_no_content(tmp_path):
    folder = photos(tmp_path / "photos")
    first = known_digest(folder)
    (folder / ".DS_Store").write_bytes(b"left")
    (folder / "dogs/Thumbs.db").write_bytes(b"left")
    assert known_digest(folder) == first
    (folder / "cats/00.png").rename(folder / "cats/new.png")
    renamed = known_digest(folder)
    save(folder / "cats/new.png", BLACK)
    assert len({first, renamed, known_digest(folder)}) == 3


@pytest.mark.parametrize("shuffle", [1, "each"])
def test_tokens_stay_integers_as_an_embedding_takes_them(tmp_path, shuffle):
    x, y = sentences()
    problem, _ = make_arrays(tmp_path, x, y, tokens=True, shuffle=shuffle)
    whole, rows = problem.whole, problem.whole.test_rows - 1
    assert whole.test_x.dtype == whole.train_x.dtype == np.int64
    np.testing.assert_array_equal(whole.test_x, x[rows])
    # Numbers that stand for amounts are float32.
    assert make_arrays(tmp_path, x, y)[0].train_x.dtype == np.float32
    space = {}
    exec(NETWORKS, space)
    check_eval_mode("words", ModuleNetwork(lambda: space["Words"](12, 2)), whole)
    with pytest.raises(IndexError) as caught:
        check_eval_mode("words", ModuleNetwork(lambda: space["Words"](11, 2)), whole)
    assert "an nn.Embedding takes 12 rows" in caught.value.__notes__[0]
    x = x.astype(float)
    for value in (-1, 0.5, 2**24 + 1):
        x[6, 2] = value
        with pytest.raises(ThawError, match=r"feature 3: 1 of 80 no tokens: whole num"):
            make_arrays(tmp_path, x, y, tokens=True)
    x[6, 2], x[:, 0] = 2**24, 1  # every row begins alike
    assert make_arrays(tmp_path, x, y, tokens=True)


def test_rows_without_a_feature_are_left_out_or_filled(tmp_path):
    path, frame = tmp_path / "gaps.csv", gaps()
    frame.to_csv(path, index=False)
    problem, description = make_problem(GAPS | {"missing": {"drop": "rows"}}, [path])
    rows, missing = len(frame.dropna()), frame.isna().sum()
    assert problem.train_size + len(problem.test_rows) == rows < 150
    assert {*problem.test_rows} <= {*frame.dropna().index + 1}
    words = f"{150 - rows} of 150 rows (heat {missing['heat']}, mass {missing['mass']})"
    assert f"left out because of missing values: {words}" in description.notes
    words = f"missing values in {words}; each is filled with the median of the rows"
    assert words in "\n".join(make_problem(GAPS, [path])[1].notes)


CASES = [
    (TOKENS, {}, {}, "ahead.network: 'one' has tokens, which network.hidden"),
    (GAPS, {}, TRAINER, "'two' has shuffle: each or fill: m"),
]


def with_problems(first, second, network=None):
    config = small_config(network)
    return config | {"problems": {"one": first, "two": second}}


def test_contradictions_of_configs_are_named(folder):
    write_data(folder)
    for problem, changes, network, words in CASES:
        assert words in message_of(with_problems(problem, problem | changes, network))


PROBLEMS = {
    "photos": IMAGES,
    "tokens": TOKENS | {"test_size": 30, "shuffle": "each"},
    "gaps": GAPS,
}
STUDY = {"variants": ["fixed-0"], "baseline": "fixed-0", "repeats": 1}
STUDIES = {name: STUDY | {"source": name, "target": name} for name in PROBLEMS}
STUDIES["tokens"]["network"] = MODULE
VARIANTS = {"fixed-0": {"freeze": 0, "save": "weights"}}
CONFIG = SMALL_CONFIG | {
    **{"problems": PROBLEMS, "variants": VARIANTS, "studies": STUDIES}
}


@pytest.fixture(scope="module")
def studied(store):
    targets = (f"results/{name}/summary.md" for name in CONFIG["studies"])
    return store.finished(CONFIG, *targets, write=write_data)


def test_a_saved_network_predicts_rows_as_its_job_did(studied):
    words = pd.DataFrame(sentences()[0]).rename(columns=lambda n: f"feature {n + 1}")
    for study, rows, value, message in (
        ("tokens", words, 0.5, "learned from tokens, and a value"),
        ("gaps", gaps()[["heat", "mass"]], "x", "'x' is not a finite number"),
    ):
        results = thaw.open(studied.folder / "results" / study)
        rows = rows.iloc[results.predictions["row"] - 1].astype(object)
        predictor = results.predictor("fixed-0")
        expected = results.predictions.filter(like="p_")
        np.testing.assert_allclose(predictor.predict_proba(rows), expected, rtol=1e-5)
        rows.iloc[0, 1] = value
        with pytest.raises(ThawError, match=message):
            predictor.predict_proba(rows)


def test_predictions_of_images_name_their_files(studied, tmp_path, monkeypatch):
    predictions = thaw.open(studied.folder / "results/photos").predictions
    files = [f"{name}/{n:02}.png" for name in ("cats", "dogs") for n in range(10)]
    assert [*predictions["file"]] == [files[row - 1] for row in predictions["row"]]
    monkeypatch.chdir(studied.folder)
    save(tmp_path / "bright.png", np.full((9, 9, 3), 180, np.uint8))
    save(tmp_path / "more/dark.jpg", np.full((9, 9, 3), 60, np.uint8))
    run = CliRunner().invoke(main, ["predict", "photos", "fixed-0", str(tmp_path)])
    table = pd.read_csv(StringIO(run.stdout))
    assert [*table] == ["file", "predicted", "p_cats", "p_dogs"]
    assert [*table["file"]] == ["bright.png", "more/dark.jpg"]
    assert table["p_cats"][0] > table["p_cats"][1]


def test_an_image_that_changes_makes_its_problem_new(studied, tmp_path):
    project = studied.copy(tmp_path / "project")
    target = "results/photos/scores.csv"
    assert not project.stale(target)
    save(project.folder / "photos/cats/00.png", BLACK)
    assert "make_problem photos" in project.stale(target)
    assert not project.stale("results/tokens/scores.csv", "results/gaps/scores.csv")
