"""Scores without training: held against their definitions, and the files of a study."""

import copy
import json
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import optimize, stats
from torch import nn

import saved
from test_front import GROUPS, ResNet
from test_stages import error_of, stage
from thaw.config.resolve import resolve
from thaw.findings.arms import ALPHA
from thaw.findings.samples import Sample
from thaw.findings.transferability import judged
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import take
from thaw.learning.module import ModuleNetwork
from thaw.learning.settings import Training
from thaw.learning.transferability import (
    h_score,
    learned_by,
    leep,
    logme,
    probe,
    scores,
)
from thaw.output.inputs import Files, Inputs
from thaw.output.problems import load_described
from thaw.output.records import load_check
from thaw.output.tables import frame
from thaw.output.weights import load_networks
from thaw.plan.leftovers import leftovers, used
from thaw.plan.plan import Plan
from thaw.tables.transferability import choices, for_people, make, missing
from trained import draw, fit, with_numbers

RNG = np.random.default_rng(1)


def data(rows, width, noise=1.0, classes=0):
    """Return features and labels that follow from them."""
    rng = np.random.default_rng([rows, width])
    features = rng.normal(size=(rows, width)) + 0.5
    labels = features @ rng.normal(size=width) + noise * rng.normal(size=rows)
    if classes:
        return features, np.argsort(np.argsort(labels)) * classes // rows
    return features, (labels - labels.mean()) / labels.std()


def evidence(features, labels):
    """Return the log-evidence by row, maximised numerically over alpha and beta."""

    def negative(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(labels)) / beta + features @ features.T / alpha
        return -stats.multivariate_normal(cov=covariance).logpdf(labels)

    starts = [(0, 0), (3, 0), (-3, 2)]
    found = [
        optimize.minimize(negative, start, method="Nelder-Mead", tol=1e-9)
        for start in starts
    ]
    return -min(one.fun for one in found) / len(labels)


@pytest.mark.parametrize(
    ("rows", "width", "noise"),
    [(30, 3, 1.0), (40, 5, 0.1), (12, 20, 1.0), (20, 20, 0.5), (30, 2, 30.0)],
)
def test_logme_is_the_largest_evidence(rows, width, noise):
    """With more features than rows, too."""
    features, labels = data(rows, width, noise)
    assert logme(features, labels, False) == pytest.approx(
        evidence(features, labels), abs=1e-5
    )


def test_logme_of_classes_is_their_mean():
    features, labels = data(30, 4, classes=3)
    own = [evidence(features, (labels == c).astype(float)) for c in range(3)]
    assert logme(features, labels, True) == pytest.approx(np.mean(own), abs=1e-5)


def test_leep_is_its_definition():
    labels = np.array([0, 0, 1, 1, 2, 1])
    probabilities = RNG.dirichlet(np.ones(4), len(labels))
    rows, theirs = probabilities.shape
    joint = np.zeros((3, theirs))
    for i in range(rows):
        for z in range(theirs):
            joint[labels[i], z] += probabilities[i, z] / rows
    total = 0.0
    for i in range(rows):
        chance = 0.0
        for z in range(theirs):
            chance += joint[labels[i], z] / joint[:, z].sum() * probabilities[i, z]
        total += np.log(chance)
    assert leep(probabilities, labels) == pytest.approx(total / rows)


def test_h_score_is_its_definition():
    features, labels = data(40, 3, classes=3)
    whole = np.cov(features.T, bias=True)
    means = np.stack([features[labels == label].mean(0) for label in labels])
    between = np.cov(means.T, bias=True)
    expected = np.trace(np.linalg.inv(whole) @ between)
    assert h_score(features, labels) == pytest.approx(expected)


def test_a_probe_predicts_rows_that_it_has_not_seen():
    features, labels = data(60, 4, noise=0.1)
    assert probe(features, labels, False) > 0.95
    shuffled = np.random.default_rng(0).permutation(labels)
    assert probe(features, shuffled, False) < 0.2
    features, labels = data(60, 2, noise=0.1, classes=2)
    order = np.random.default_rng(0).permutation(60)
    assert probe(features[order], labels[order], True) > 0.9
    # Rows that are all alike tell nothing, so each gets its fold's commonest class.
    assert probe(np.ones((60, 2)), labels[order], True) < 0.6


def test_a_probe_is_its_definition():
    from sklearn.linear_model import RidgeCV

    features, labels = data(25, 3)
    said, scaled = np.empty(25), features - features.mean(0)
    scaled /= np.sqrt((scaled**2).mean())
    for fold in range(5):
        held = np.arange(25) // 5 == fold
        model = RidgeCV(10.0 ** np.arange(-2, 5)).fit(scaled[~held], labels[~held])
        said[held] = model.predict(scaled[held])
    expected = 1 - ((labels - said) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    assert probe(features, labels, False) == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("has_classes", [False, True])
@pytest.mark.parametrize(
    "what", ["wide", "constant", "zero", "huge", "rare", "exact", "few"]
)
def test_odd_rows_give_a_number(what, has_classes):
    rows, width = {"wide": (6, 40), "few": (3, 2)}.get(what, (20, 4))
    features, labels = data(rows, width, classes=2 * has_classes)
    if what == "constant":
        features[:, 0] = 3
    if what == "zero":
        features[:] = 0
    if what == "huge":
        features *= 1e15
    if what == "rare":
        labels = labels * 0
        labels[-1] = 1
    if what == "exact":
        features[:, 0] = labels
    said = np.full((rows, 3), 1 / 3)
    found = scores(labels, features.astype(np.float32), said, has_classes)
    names = {"logme", "linear_probe"} | ({"h_score", "leep"} if has_classes else set())
    assert {*found} == names
    # Features that tell all rows apart leave nothing to say.
    if what in ("wide", "few") and has_classes:
        assert np.isnan(found.pop("h_score"))
    assert np.isfinite([*found.values()]).all(), found


@pytest.mark.parametrize("has_classes", [False, True])
def test_a_failed_source_model_and_equal_labels_have_no_score(has_classes):
    features, labels = data(20, 4, classes=2 * has_classes)
    said = np.full((20, 3), 1 / 3)
    failed = scores(labels, features * np.nan, said * np.nan, has_classes)
    alike = scores(labels * 0, features, said, has_classes)
    assert np.isnan([*failed.values(), *alike.values()]).all()
    assert not scores(labels, None, None, has_classes)


# The rows, and what networks make of them


class Recording(FullyConnected):
    """Keeps the rows from which a network learns."""

    def learner(self, state, problem, *more):
        rows = more[-1]
        x = problem.train_x
        self.seen = (x if rows is None else x[rows]).reshape(-1, 2), problem.train_y
        return super().learner(state, problem, *more)


@pytest.mark.parametrize("validation", [None, 0.2])
@pytest.mark.parametrize("size", [None, 20])
@pytest.mark.parametrize("kind", ["classes", "numbers", "fills"])
def test_scores_look_at_the_rows_that_training_uses(problem, kind, size, validation):
    if kind == "numbers":
        problem = with_numbers(problem)
    if kind == "fills":
        x = problem.train_x.copy()
        x[::3, 1] = np.nan
        problem = problem._replace(train_x=x, fills=True)
    network = Recording(2, [5], 1 if kind == "numbers" else 3)
    training = Training(1, 8, 0.1, validation_size=validation)
    fit(problem, training, [0], network, size=size)
    count = int((size or 50) * (1 - (validation or 0)))
    theirs, ours = (
        np.column_stack([x[:count], y.reshape(-1)[:count]])
        for x, y in (network.seen, learned_by(problem, 1, 0, size, validation))
    )
    assert ours.shape == (count, 3)
    np.testing.assert_allclose(np.unique(ours, axis=0), np.unique(theirs, axis=0), 1e-6)


def test_what_fully_connected_networks_pass_on():
    network = FullyConnected(2, [5, 4], 3, activation="elu")
    state = take(draw(network, [0, 1]), [1])
    layers = [nn.Linear(2, 5), nn.ELU(), nn.Linear(5, 4), nn.ELU(), nn.Linear(4, 3)]
    plain = nn.Sequential(*layers)
    values = [value[0] for value in state.values()]
    plain.load_state_dict(dict(zip(plain.state_dict(), values, strict=True)))
    x = RNG.normal(size=(7, 2)).astype(np.float32)
    seen = network.see(state, x)
    with torch.no_grad():
        rows = torch.from_numpy(x)
        torch.testing.assert_close(seen.passed_on, plain[:-1](rows))
        torch.testing.assert_close(seen.outputs, plain(rows))


def test_what_modules_pass_on(images):
    """As they are outside training; a network that failed spoils no other."""
    network = ModuleNetwork(ResNet, GROUPS, (1, 4, 4))
    states = draw(network, [0, 1])
    failed, state = (
        {n: v.clone() for n, v in take(states, [p]).items()} for p in (0, 1)
    )
    failed["layer1.0.conv1.weight"] *= torch.nan
    x = images.train_x[:30]
    assert network.see(failed, x).passed_on.isnan().all()
    seen = network.see(state, x)
    plain = ResNet()
    plain.load_state_dict({name: value[0] for name, value in state.items()})
    plain.eval()
    heard = []
    plain.fc.register_forward_hook(lambda part, args, said: heard.extend(args))
    with torch.no_grad():
        said = plain(torch.from_numpy(x).reshape(-1, 1, 4, 4))
    torch.testing.assert_close(seen.passed_on, heard[0])
    torch.testing.assert_close(seen.outputs, said)


class Sideways(nn.Module):
    """Its output also sees what an earlier part passes on."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 4), nn.Linear(4, 4)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        one = self.first(x)
        return self.fc(torch.cat([one, self.second(one)], 1))


def test_a_module_whose_output_sees_more_passes_on_nothing_that_is_known(images):
    network = ModuleNetwork(Sideways)
    seen = network.see(draw(network, [0]), images.train_x[:30])
    assert seen.passed_on is None
    assert seen.outputs.shape == (30, 3)


# The stage


def study(source, target="kind-2", **more):
    own = {"source_models": 3, "target_sizes": [20, "all"]}
    return saved.study(source, target, **own) | more


HELD_OUT = {"validation_size": 0.2, "keep": "best"}
CONFIG = saved.CONFIG | {
    "studies": {
        "from-kind": study("kind-1"),
        "from-worth": study("worth-1"),
        "to-worth": study("kind-1", "worth-2", margin=1.0) | {"training": HELD_OUT},
        "module": study("kind-1", network=saved.CONFIG["studies"]["module"]["network"]),
    },
}


@pytest.fixture
def project(once, monkeypatch):
    gathered = ["results/from-kind/scores.csv", "results/from-worth/scores.csv"]
    project = once("scored", CONFIG, saved.write, [*gathered, "source_models"])
    monkeypatch.chdir(project.folder)
    return project


def planned(name, config=CONFIG):
    return Plan(resolve(copy.deepcopy(config))).studies[name].scored()


def run_stage(study, results, output):
    """Run the stage of a study; return the finished process."""
    found = study.transferability
    paths = {
        "target": study.target_file,
        "source": study.source_file,
        "network": study.network_files,
        "source-models": study.model_files,
    }
    folders = {"network": results.parent}
    options = [
        word
        for name, own in paths.items()
        for word in (f"--{name}", *(folders.get(name, results) / path for path in own))
    ]
    told = (
        "--key",
        found.key,
        "--recipe",
        json.dumps(found.recipe),
        "--output",
        output,
    )
    return stage("transferability", *options, *told)


def scored(study, project, folder):
    """Run the stage of a study; return the file that it wrote, and its rows."""
    path = folder / study.transferability_file[0]
    path.parent.mkdir(exist_ok=True)
    done = run_stage(study, project.folder / "results", path)
    assert done.returncode == 0, done.stderr
    return path, pd.DataFrame(load_check(path, study.transferability.key))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("from-kind", {"logme", "linear_probe", "h_score", "leep"}),
        ("from-worth", {"logme", "linear_probe", "h_score"}),
        ("to-worth", {"logme", "linear_probe"}),
        ("module", {"logme", "linear_probe", "h_score", "leep"}),
    ],
)
def test_a_studys_source_models_are_scored_at_each_size(project, tmp_path, name, asked):
    study = planned(name)
    _, found = scored(study, project, tmp_path)
    assert {*found["score"]} == asked
    assert len(found) == 3 * 2 * len(asked)
    assert {*found["source_model"]} == {0, 1, 2}
    assert {*found["target_size"]} == {20, "all"}
    assert found["value"].notna().all()
    assert (found.groupby("score")["value"].nunique() == 6).sum() >= len(asked) - 1


def test_a_score_is_that_of_a_plain_network_on_the_rows_of_its_repeat(
    project, tmp_path
):
    study = planned("from-kind")
    _, found = scored(study, project, tmp_path)
    networks = load_networks(project.folder / "results" / study.model_files[-1])
    target = project.folder / "results" / study.target_file[0]
    problem, *_ = load_described(target, study.target.key)
    number = networks.tile.models[-1]
    x, labels = learned_by(problem, 1, number, 20, None)
    passed_on = x.astype(np.float64)
    for layer in ("hidden-1", "hidden-2"):
        weight, bias = (networks.state[f"{layer}.{n}"][-1] for n in ("weight", "bias"))
        passed_on = np.maximum(passed_on @ weight.numpy().T + bias.numpy(), 0)
    row = found[found["source_model"].eq(number) & found["target_size"].eq(20)]
    values = row.set_index("score")["value"]
    assert values["logme"] == pytest.approx(logme(passed_on, labels, True), rel=1e-3)
    assert values["h_score"] == pytest.approx(h_score(passed_on, labels), rel=1e-3)


def test_the_same_bytes_whatever_the_threads(project, tmp_path, monkeypatch):
    texts = set()
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        path, _ = scored(planned("to-worth"), project, tmp_path)
        texts.add(path.read_bytes())
    assert len(texts) == 1


def test_only_what_decides_them_is_in_the_key(tmp_path, monkeypatch):
    """Other sizes and models do; what becomes of the networks does not."""
    monkeypatch.chdir(tmp_path)
    saved.write(tmp_path)

    def key(**changes):
        studies = {"to-worth": CONFIG["studies"]["to-worth"] | changes}
        return planned("to-worth", CONFIG | {"studies": studies}).transferability.key

    same = key()
    assert key(margin=2.0, repeats=5, variants=["fixed-1"], baseline="fixed-1") == same
    others = [key(source_models=4), key(target_sizes=[20]), key(source="worth-1")]
    others.append(key(training={}))
    assert len({same, *others}) == 5


def test_source_models_that_are_missing_are_said_in_one_line(project, tmp_path):
    study = planned("from-kind")
    short = study._replace(settings=study.settings._replace(source_models=1))
    done = run_stage(short, project.folder / "results", tmp_path / "scores.json")
    assert "some are missing in these files; delete it and run again" in error_of(done)
    assert not (tmp_path / "scores.json").exists()


def test_a_trainers_networks_and_studies_that_start_from_none_have_no_scores(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    saved.write(tmp_path)
    (tmp_path / "trainer.py").write_text("print()\n")
    trainer = {"trainer": "python trainer.py", "groups": ["one", "two"]}
    trainer |= {"files": ["trainer.py"], "packages": []}
    variants = CONFIG["variants"] | {"fixed-1": {"freeze": 1}}
    for more in ({"network": trainer}, {"variants": ["standalone"]}):
        own = {"studies": {"one": study("kind-1", **more)}, "variants": variants}
        found = planned("one", CONFIG | own)
        assert found.transferability is None
        assert found.transferability_file == []


# The sources that they would have chosen


def samples(levels, models=20, repeats=2, noise=0.01, seed=0):
    """Return a sample for each source, whose scores lie around a level."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(models), repeats)
    addresses = np.column_stack([numbers, np.tile(np.arange(repeats), models)])
    return {
        source: Sample(
            level + rng.normal(0, noise, models * repeats), numbers, addresses=addresses
        )
        for source, level in levels.items()
    }


LEVELS = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}


def values(levels, models=20, noise=0.01):
    rng = np.random.default_rng(1)
    return {s: level + rng.normal(0, noise, models) for s, level in levels.items()}


def test_a_score_that_ranks_like_gains_has_a_tau_of_1_and_costs_nothing():
    found = judged(values(LEVELS), samples(LEVELS), "a", 0.05)
    assert found.tau == (1, 1, 1)
    assert (found.chosen, found.cost) == ("a", (0, 0, 0))


def test_a_score_that_ranks_the_other_way_round():
    other = {source: -level for source, level in LEVELS.items()}
    found = judged(values(other), samples(LEVELS), "a", 0.05)
    assert found.tau == (-1, -1, -1)
    assert found.chosen == "d"
    assert found.cost.low < 0.3 < found.cost.high
    assert found.cost.value == pytest.approx(0.3, abs=0.01)
    assert found.cost.high - found.cost.low < 0.05


def test_tau_weighs_the_best_and_its_interval_covers_source_models():
    """By definition, over pairs, with the weights of both ranks, 1 / (rank + 1)."""
    given = {"a": 3.0, "b": 4.0, "c": 1.0, "d": 2.0}
    noisy = values(given, noise=2.0)
    found = judged(noisy, samples(LEVELS), "a", 0.05)
    means = np.array([v.mean() for v in noisy.values()])
    levels = np.array([*LEVELS.values()])

    def one(by):
        ranks = np.argsort(np.argsort(-by))
        total = agree = 0.0
        for i in range(4):
            for j in range(i):
                weight = 1 / (ranks[i] + 1) + 1 / (ranks[j] + 1)
                sign = np.sign(means[i] - means[j]) * np.sign(levels[i] - levels[j])
                agree, total = agree + weight * sign, total + weight
        return agree / total

    assert found.tau.value == pytest.approx((one(means) + one(levels)) / 2)
    assert found.tau.low <= found.tau.value <= found.tau.high
    assert found.tau.low < found.tau.high
    sure = judged(values(given), samples(LEVELS), "a", 0.05)
    assert sure.tau.high == sure.tau.low


def test_units_are_lost_where_less_is_better():
    found = {
        source: one._replace(lower_is_better=True)
        for source, one in samples(LEVELS).items()
    }
    told = judged(values(LEVELS), found, "d", 0.05)
    assert told.tau.value == -1
    assert told.cost.value == pytest.approx(0.3, abs=0.01)


def test_failed_source_models_are_left_out_and_one_has_no_interval():
    scores = values(LEVELS)
    scores["a"][:19] = np.nan
    assert judged(scores, samples(LEVELS), "a", 0.05).tau.value == 1
    found = judged(values(LEVELS, 1), samples(LEVELS, 1), "a", 0.05)
    assert found.tau.value == 1
    assert np.isnan(found.tau.low)


@pytest.fixture
def tables(project, tmp_path):
    """Return the table of two studies, made of what their jobs and stages wrote."""
    studies = {name: planned(name) for name in ("from-kind", "from-worth")}
    files = [scored(one, project, tmp_path)[0] for one in studies.values()]
    plan = Plan(resolve(copy.deepcopy(CONFIG)))
    gathered = {name: plan.made[f"gather_{name}"].key for name in studies}
    files += [project.folder / f"results/{name}/histories.npz" for name in studies]
    best = [
        (size, f"from-{source}", source, variant)
        for size in (20, "all")
        for source, variant in (("worth", "fixed-1"), ("kind", "fixed-1"))
    ]
    columns = ["target_size", "study", "source", "variant"]

    def made(studies=studies, sources=("kind", "worth")):
        keys = {name: one.transferability.key for name, one in studies.items()}
        inputs = {"gather": gathered, "transferability": keys}
        settings = {
            "sources": [[f"from-{source}", source] for source in sources],
            **{"study": "ranked", "source": "2 sources", "target": "kind-2"},
            "depths": {"fixed-0": 0, "fixed-1": 1},
            **plan.studies["from-kind"].told(
                ("target_sizes", "metric", "margin", "source_models")
            ),
        }
        with Files({"inputs": inputs}, files) as opened:
            opened.made["best-sources.csv"] = frame(pd.DataFrame(best, columns=columns))
            return make(Inputs(settings, opened))

    return made


def test_the_table_of_a_ranking_says_what_each_score_would_have_chosen(tables):
    made = tables()
    table = pd.read_csv(BytesIO(made["transferability.csv"]))
    assert [*table[["target_size", "score"]].itertuples(index=False, name=None)] == [
        (size, score)
        for size in ("20", "all")
        for score in ("logme", "linear_probe", "h_score")
    ]
    assert {*table["chosen"]} <= {"kind", "worth"}
    assert {*table["best"]} == {"worth"}
    assert (table["cost"].eq(0) | table["chosen"].eq("kind")).all()
    words = made["transferability.md"].decode()
    assert max(map(len, words.splitlines())) <= 80
    said = " ".join(words.split())
    assert "LEEP says nothing of worth: these source models predict no classes." in said
    assert "95 % interval over 3 source models" in said


def test_intervals_of_costs_allow_for_the_choice_of_the_best(tables, monkeypatch):
    alphas = []

    def watched(*told):
        alphas.append(told[-1])
        return judged(*told)

    monkeypatch.setattr("thaw.tables.transferability.judged", watched)
    tables()
    # Three scores at two sizes; another source, with two depths.
    assert alphas == pytest.approx([ALPHA / (3 * 2 * 2)] * 6)


def told(rows):
    """Return a table of LogME's choices: size, source, best source, cost and tau."""
    rows = [
        {
            **{"target_size": size, "score": "logme", "chosen": chosen, "best": best},
            **{"cost": cost, "cost_low": cost, "cost_high": cost},
            **{"tau": tau, "tau_low": tau, "tau_high": tau},
        }
        for size, chosen, best, cost, tau in rows
    ]
    return pd.DataFrame(rows)


SETTINGS = {
    **{"study": "which", "source": "2 sources", "target": "two", "source_models": 3},
    "metric": [{"task": "classification", "name": "balanced_accuracy"}],
    "margin": 0.1,
}


def test_sizes_at_which_a_score_chooses_the_best_are_named_together():
    rows = [(10, "a", "a", 0, 1), (20, "a", "a", 0, 1), (50, "b", "b", 0, 1)]
    rows += [(90, "b", "a", 0.3, 1), ("all", "b", "a", 0.2, 1)]
    (said,) = choices(told(rows), SETTINGS)
    assert said == (
        "Without training, LogME would have chosen a with 10 to 20 rows, the best "
        "source there; "
        "b with 50 rows, the best source there; "
        "b with 90 rows, which costs 0.30 (0.30 to 0.30) against a; "
        "b with all rows, which costs 0.20 (0.20 to 0.20) against a."
    )


def test_scores_that_choose_alike_are_named_together():
    table = told([(10, "a", "a", 0, 1)] * 2)
    table["score"] = ["logme", "linear_probe"]
    (said,) = choices(table, SETTINGS)
    assert said.startswith("Without training, LogME and a linear probe would have")


def test_scores_that_lack_a_source_are_named_together():
    good, failed = np.ones(2), np.full(2, np.nan)
    scores = ("logme", "linear_probe")
    (said,) = missing(
        {
            "a": {(s, "10"): good for s in scores},
            "b": {(s, "10"): failed for s in scores},
        }
    )
    assert said.startswith("LogME and a linear probe say nothing of b: these source")


def test_nothing_is_said_of_a_tau_of_sources_that_are_all_equal():
    words = for_people(told([(10, "a", "a", 0, np.nan)]), [], SETTINGS)
    assert words.splitlines()[-1].split("|")[3].strip() == "n/a"


def test_the_table_says_why_there_are_no_scores(tables):
    made = tables(studies={})
    assert made["transferability.csv"].decode().count("\n") == 1
    said = " ".join(made["transferability.md"].decode().split())
    assert "There are no scores: what the layers pass on to the output is not" in said


def test_scores_are_no_leftovers_while_a_study_has_them(project, tmp_path):
    plan = Plan(resolve(copy.deepcopy(CONFIG)))
    study = plan.studies["from-kind"].scored()
    path = tmp_path / study.transferability_file[0]
    path.parent.mkdir()
    path.write_text("{}")
    assert [*leftovers(plan, tmp_path)] == [path]
    plan.studies["from-kind"] = study
    assert study.transferability_file[0] in used(plan)
    assert [*leftovers(plan, tmp_path)] == []
