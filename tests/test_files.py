"""Result files: whole or not at all, with every kind of damage found and named."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import torch

import thaw
from projects import JobError
from thaw.errors import ThawError
from thaw.output.problems import load_described
from thaw.output.records import load_arrays, load_check, save_arrays, whole_file
from thaw.output.scores import load_scores
from thaw.output.tiles import Tile
from thaw.output.weights import load_source_models


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        for temporary in (first, second):
            temporary.write_text("whole")
        assert not path.exists()
    with pytest.raises(OSError, match="disk full"), whole_file(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "disk full")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture(scope="module")
def results(saved_once, tmp_path_factory):
    """The results of a project, in which tests put back what they damage."""
    folder = tmp_path_factory.mktemp("files") / "project"
    return saved_once.copy(folder).folder / "results"


# Where files of each kind lie, and which of them is read, with another in its place.
KINDS = {
    "problem": ("problems/{}-*.npz", "worth-2", "worth-1"),
    "check": ("overlaps/{}-*.json", "worth-2", "kind-2"),
    "weights": ("source-models/{}-*/*.safetensors", "worth-1", "kind-1"),
    "scores": ("repeats/worth-2/{}*/*[0-9].csv", "fixed", "stand"),
    "history": ("repeats/worth-2/{}*/*.history.npz", "fixed", "stand"),
    "predictions": ("repeats/worth-2/{}*/*.predictions.npz", "fixed", "stand"),
    "gathered": ("{}/histories.npz", "worth", "each"),
    "table": ("{}/scores.csv", "worth", "each"),
    "record": ("{}/records/gather.json", "worth", "each"),
}


def load(kind, path, numbers=(0,)):
    """Return what a file of a kind holds; of weights, those with these numbers."""
    stem, folder = path.name.partition(".")[0], path.parent
    key, folder_key = (name.rpartition("-")[2] for name in (stem, folder.name))
    match kind:
        case "problem":
            return load_described(path, key)
        case "check":
            return load_check(path, key)
        case "weights":
            return load_source_models(path, folder_key, numbers)
        case "scores" | "history":
            files = folder / f"{stem}.csv", folder / f"{stem}.history.npz"
            return load_scores(*files, Tile.named(stem), folder_key)
        case "predictions":
            return load_arrays(path, folder_key, Tile.named(stem))[0]["numbers"]
        case "gathered":
            return thaw.open(folder).histories
    return thaw.open(folder.parent if kind == "record" else folder).scores


def content(value):
    """Return what a result holds, in a form that can be compared."""
    if isinstance(value, np.ndarray | torch.Tensor):
        return np.asarray(value).tobytes()
    if isinstance(value, dict):
        return [content(item) for item in value.items()]
    if isinstance(value, list | tuple):
        return [content(part) for part in value]
    return value.to_csv() if isinstance(value, pd.DataFrame) else repr(value)


def flipped(whole):
    """Yield the bytes of a file, each time with another bit flipped."""
    for bit in np.random.default_rng(1).integers(8 * len(whole), size=60):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        yield damaged


def rewritten(whole):
    """Yield an archive with one array changed, under its record and sound as a ZIP."""
    arrays = dict(np.load(io.BytesIO(whole)))
    for name, array in arrays.items():
        if name != "record" and array.size:
            changed = bytearray(array.tobytes())
            changed[0] ^= 1
            file = io.BytesIO()
            array = np.frombuffer(changed, array.dtype).reshape(array.shape)
            np.savez(file, **arrays | {name: array})
            yield file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_and_changes_nothing_silently(results, kind):
    """Some bytes of an archive are never read."""
    pattern, name, other = KINDS[kind]
    path = min(results.glob(pattern.format(name)))
    whole, expected = path.read_bytes(), content(load(kind, path))
    sizes = (0, 1, len(whole) // 2, len(whole.rstrip()) - 1)
    damages = {
        "another's": (1, [max(results.glob(pattern.format(other))).read_bytes()]),
        "cut off": (1, [whole[:size] for size in sizes]),
        "flipped": (0.5, flipped(whole)),
        "rewritten": (0.25, rewritten(whole) if path.suffix == ".npz" else []),
    }
    for damage, (least, contents) in damages.items():
        refused = []
        for damaged in contents:
            path.write_bytes(damaged)
            try:
                assert content(load(kind, path)) == expected, damage
                refused.append(False)
            except ThawError as error:
                assert "\n" not in str(error)
                words = "delete it and run again|was changed"
                assert re.search(words, str(error)) or kind == "record"
                refused.append(True)
        assert sum(refused) >= least * len(refused), damage
    path.unlink()
    with pytest.raises((FileNotFoundError, ThawError)):
        load(kind, path)
    path.write_bytes(whole)


def test_a_file_of_other_networks_is_refused(results):
    path = min(results.glob("repeats/worth-2/fixed-1-*/*.predictions.npz"))
    renamed = path.with_name("models-00-00-repeats-02-03.predictions.npz")
    path.rename(renamed)
    with pytest.raises(ThawError, match="it holds models-00-00-repeats-00-01; delete"):
        load("predictions", renamed)
    renamed.rename(path)
    weights = min(results.glob("source-models/worth-1-*/*.safetensors"))
    renamed = weights.with_name("models-30-31.safetensors")
    weights.rename(renamed)
    with pytest.raises(ThawError, match="it holds models-00-00; delete"):
        load("weights", renamed, [30])
    renamed.rename(weights)
    path = min(results.glob("source-models/kind-1-*/*.safetensors"))
    assert [*load("weights", path)[0].classes] == ["green", "red"]
    with pytest.raises(ThawError, match="holds the source models 0, not 0, 4; delete"):
        load("weights", min(results.glob("source-models/worth-1-*/*.safe*")), [0, 4])


@pytest.mark.parametrize("suffix", ["*predictions.npz", "*.npz"])
def test_repeats_from_other_source_models_are_not_gathered(
    suffix, saved_once, tmp_path
):
    """As where these were deleted, and made again on another machine."""
    project = saved_once.copy(tmp_path / "project")
    (project.folder / "results/sizes/records/gather.json").unlink()
    for path in project.folder.glob(f"results/repeats/kind-2/fixed-1@10-*/{suffix}"):
        arrays, record = load_arrays(path)
        saw = record["saw"]
        saw["source_models"] = dict.fromkeys(saw["source_models"], "another")
        tile = Tile.named(path.name.partition(".")[0])
        save_arrays(path, arrays, record["recipe"], saw, tile)
    with pytest.raises(JobError, match=r"fixed-1\S+ did not all see the same"):
        project.make("results/sizes/scores.csv")


def test_tables_are_stale_whose_record_is_no_whole_one_of_theirs(saved_once, tmp_path):
    """As after a run that was killed."""
    project = saved_once.copy(tmp_path / "project")
    target, results = "results/worth/study.json", project.folder / "results"
    assert not project.stale(target)
    for text in ("", "{}", "no", (results / "each/records/tables.json").read_text()):
        (results / "worth/records/tables.json").write_text(text)
        assert project.stale(target) == {"tables_worth"}, text


def test_what_an_orphan_wrote_late_is_made_again(saved_once, tmp_path):
    """It is no study's that the config has now; nothing is trained for it."""
    project = saved_once.copy(tmp_path / "project")
    results = project.folder / "results"
    target = "results/worth/study.json"
    for name in ("histories.npz", "scores.csv"):
        whole = (results / "worth" / name).read_bytes()
        (results / "worth" / name).write_bytes((results / "each" / name).read_bytes())
        assert project.stale(target) == {"gather_worth", "tables_worth"}, name
        (results / "worth" / name).write_bytes(whole)
