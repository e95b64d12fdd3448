"""The check of users' networks finds mistakes before anything learns, a line each."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from conftest import SMALL_CONFIG, Project, copy_project, new_project
from test_networks import Tied
from thaw.config.network import content_of_function as content
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.external.checks import (
    check_answers,
    check_draws,
    check_learns,
    check_short_batches,
    check_transfer,
    learning_groups,
    shares,
)
from thaw.external.networks import network_of, of_network
from thaw.learning.module import ModuleNetwork

NETWORKS = """
from torch import nn

def small(width, num_classes, shape, **more):
    if more.get("broken"):
        raise ValueError("the width is\\n odd")
    return nn.Sequential(
        nn.Linear(shape[0], width), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(),
        nn.Linear(width, more.get("outputs", num_classes)),
    )
"""
MODULE = {
    "module": "networks.py:small",
    "arguments": {"width": 4, "num_classes": "$classes", "shape": "$shape"},
    "groups": ["0", "3|4", "6"],
}


def refused(words):
    return pytest.raises(ThawError, match=words)


def test_columns_must_be_those_of_the_task(problem):
    check_answers("flowers", ModuleNetwork(lambda: nn.Linear(2, 3)), problem)
    with refused("2 rows of flowers, which takes 3 outputs .*, it returns 2 by 1000 n"):
        check_answers("flowers", ModuleNetwork(lambda: nn.Linear(2, 1000)), problem)

    numbers = problem._replace(task="regression", classes=0)
    check_answers("ages", ModuleNetwork(lambda: nn.Linear(2, 1)), numbers)
    with refused(r"which takes 1 output \(regression\), it returns 2 by 3 numbers, no"):
        check_answers("ages", ModuleNetwork(lambda: nn.Linear(2, 3)), numbers)

    class Wrapped(nn.Linear):
        def forward(self, x):
            return {"logits": super().forward(x)}

    with refused("for flowers it returns dict instead"):
        check_answers("flowers", ModuleNetwork(lambda: Wrapped(2, 3)), problem)


class Seeded(nn.Sequential):
    """The first layer is always drawn from one seed; batch norm is never drawn."""

    def __init__(self, whole):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            first, head = nn.Linear(2, 4), nn.Linear(4, 3)
        head = head if whole else nn.Linear(4, 3)
        super().__init__(first, nn.BatchNorm1d(4), head)


def test_a_network_that_seeds_itself_is_found_out():
    """Its thirty source models would be one."""
    assert check_draws(ModuleNetwork(lambda: Tied(3))) == []
    assert check_draws(ModuleNetwork(lambda: Seeded(whole=False))) == ["0"]
    with refused("network: its weights are the same for two seeds.* seed nothing in"):
        check_draws(ModuleNetwork(lambda: Seeded(whole=True)))


def test_only_the_output_may_differ_between_source_and_target():
    one, other = ModuleNetwork(lambda: Tied(3)), ModuleNetwork(lambda: Tied(5))
    check_transfer("a", one.shapes, other)
    wider = one.shapes | {"first.bias": (7,)}
    with refused(
        r"weights of a do not fit the target: first\.bias is 7 there and 6\. "
    ):
        check_transfer("a", wider, other)
    del wider["first.bias"]
    with refused("first.bias is missing there"):
        check_transfer("a", wider, other)


def test_what_is_frozen_is_counted_in_weights():
    network = ModuleNetwork(lambda: Tied(5))
    theirs = ModuleNetwork(lambda: Tied(3)).shapes
    variants = {
        "standalone": {"pretrained": False},
        "fixed-1": {"freeze": 1},
        # The middle layers are one weight: frozen with the first.
        "fixed-2": {"freeze": 2},
        "middle": {"freeze": [2]},
        "norms": {"freeze": "all but norm layers"},
        "head first": {"phases": [{"freeze": 3, "epochs": 2}, {"epochs": 3}]},
    }
    found = [str(share) for share, *_ in shares(network, variants, theirs)]
    assert found == [
        "standalone: nothing frozen (0 of 113 weights); fresh: stem, first, second, "
        "head",
        "fixed-1: stem frozen (30 of 113 weights); fresh: head",
        "fixed-2: stem, first frozen (72 of 113 weights); fresh: head",
        "middle: first frozen (42 of 113 weights); fresh: head",
        "norms: all but norm layers frozen (66 of 113 weights); fresh: head",
        "head first, phase 1: stem, first, second frozen (78 of 113 weights); fresh: "
        "head",
        "head first, phase 2: nothing frozen (0 of 113 weights); fresh: head",
    ]


def test_groups_that_learn_in_a_phase_of_a_variant_must_get_a_gradient():
    network = ModuleNetwork(Tied)
    for described, expected in (
        ({"freeze": 2}, ["second", "head"]),
        ({"freeze": ["output"]}, ["stem", "first", "second"]),
        ({"freeze": "all but norm layers"}, ["stem", "head"]),
        ({"phases": [{"freeze": 3}, {"freeze": [1, 3]}]}, ["first", "head"]),
    ):
        assert learning_groups(network, {"one": described}) == expected
    both = {"one": {"freeze": 3}, "two": {"freeze": [1, 2]}}
    assert learning_groups(network, both) == ["second", "head"]


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (
            {"freeze": 4},
            "variants.one: 4 is deeper than the network, whose groups are s",
        ),
        ({"fresh": [5]}, "variants.one: 5 is deeper than the network"),
        ({"freeze": [1, 4]}, "variants.one: 4 is deeper than the network"),
        ({"rate_factors": {"6": 2.0}}, "variants.one: 6 is deeper than the network"),
        ({"phases": [{}, {"freeze": 4}]}, "variants.one: 4 is deeper than the network"),
        (
            {"phases": [{}, {"freeze": [1, 2, 3, "output"]}]},
            "variants.one, phase 2: no weight of the network would learn",
        ),
        (
            {"fresh": [2]},
            "first.weight and second.weight are one weight, which is both",
        ),
        (
            {"rate_factors": {"3": 2.0}},
            "variants.one.rate_factors: first.weight and second.weight are one weight;",
        ),
    ],
)
def test_a_variant_that_does_not_fit_is_named(described, words):
    network = ModuleNetwork(Tied)
    with refused(words):
        list(shares(network, {"one": described}, network.shapes))


def test_a_network_without_norm_layers_cannot_learn_in_them_alone():
    network = ModuleNetwork(lambda: nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 3)))
    with refused("variants.one: the network has no norm layers; name the groups"):
        variants = {"one": {"freeze": "all but norm layers"}}
        list(shares(network, variants, network.shapes))


def test_a_network_of_which_nothing_would_learn_is_refused():
    def still():
        return nn.Linear(2, 3).requires_grad_(False)

    with refused("variants.one: no weight of the network would learn"):
        list(shares(ModuleNetwork(still), {"one": {"pretrained": False}}, None))


def test_a_frozen_part_that_changes_is_found_out(problem):
    class Counts(nn.Linear):
        def __init__(self):
            super().__init__(2, 4)
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x):
            self.count += 1
            return super().forward(x)

    network = ModuleNetwork(lambda: nn.Sequential(Counts(), nn.Linear(4, 3)))
    variants = {"fixed-1": {"freeze": 1}}
    ((share, phase, start),) = shares(network, variants, network.shapes)
    with refused(r"variants\.fixed-1: the module changed 0\.count, which is frozen"):
        check_learns(network, share, phase, start, problem)


def test_a_batch_of_one_row_is_refused_where_it_is_too_few(problem):
    network = ModuleNetwork(Tied)  # batch norm
    check_short_batches(network, problem, [50, 20], [16, 32])
    with refused("33 rows in batches of 16 leave a batch of one row"):
        check_short_batches(network, problem, [50, 33], [16, 32])
    plain = ModuleNetwork(lambda: nn.Linear(2, 3))
    check_short_batches(plain, problem, [50, 33], [16, 32])


# Through the workflow.


MADE = [
    f"results/ahead/{name}" for name in ("scores.csv", "network.md", "freeze-map.png")
]


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory) -> Project:
    project = new_project(tmp_path_factory.mktemp("module") / "project", config())
    (project.folder / "networks.py").write_text(NETWORKS)
    project.snakemake("--cores", "2", *MADE)
    return project


def config() -> dict:
    config = copy.deepcopy(SMALL_CONFIG) | {"network": copy.deepcopy(MODULE)}
    config["repeats_per_job"] = 2
    del config["studies"]["back"], config["variants"]
    config["variants"] = {"random": {"pretrained": False, "freeze": "0"}}
    config["training"]["batch_size"] = 10
    config["studies"]["ahead"] |= {
        "variants": ["ladder", "random"],
        "source_models": 2,
        "target_sizes": [10, "all"],
    }
    return config


@pytest.fixture
def project(trained_once, tmp_path) -> Project:
    return copy_project(trained_once.folder, tmp_path / "project")


def log_of_check(project) -> str:
    """Return the last check's output."""
    logs = (project.folder / "logs/networks").glob("*.log")
    return max(logs, key=lambda path: path.stat().st_mtime_ns).read_text()


def test_a_study_says_which_parts_of_the_network_learn(project):
    folder = project.folder / "results/ahead"
    said = (folder / "network.md").read_text()
    for line in (
        "| standalone | nothing |               0 of 55 |    0, 3\\|4, 6 |",
        "| fixed-1    |       0 |              12 of 55 |      nothing |",
        "| fixed-2    |  0, 3\\|4 |              40 of 55 |      nothing |",
    ):
        assert " ".join(line.split()) in " ".join(said.split()), said
    log = log_of_check(project)
    assert "fixed-1: 0 frozen (12 of 55 weights)" in log
    assert (folder / "freeze-map.png").exists()
    assert "freeze" in (folder / "study.json").read_text()
    assert project.stale(*MADE) == set()


def test_an_edit_of_the_file_trains_anew_and_a_comment_nothing(project):
    file = project.folder / "networks.py"
    file.write_text("# a comment\n" + NETWORKS)
    assert project.stale(*MADE) == set()
    file.write_text(NETWORKS.replace("0.1", "0.2"))
    stale = project.stale(*MADE)
    assert {"check_network ahead", "pretrain one models-00-00"} <= stale, sorted(stale)
    assert {job for job in stale if job.startswith("train")} == {
        f"train two {variant}{size} models-{model}-{model}-repeats-00-01"
        for variant in ("standalone", "fixed-0", "fixed-1", "fixed-2", "random")
        for size in ("", "@10")
        for model in ("00", "01")
    }
    assert not {job for job in stale if job.startswith("make_problem")}


def test_what_is_wrong_is_one_line_before_anything_learns(project):
    project.change("network", "arguments", "outputs", to=7)
    done = project.snakemake("--cores", "2", check=False)
    assert done.returncode
    log = log_of_check(project)
    assert (
        "network: for 2 rows of one, which takes 3 outputs (classification), it" in log
    )
    assert log.count("\n") == 1
    assert "rule train" not in done.stderr + done.stdout
    assert "rule pretrain" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"broken": True},
            r"networks\.py, line 6, in small: ValueError: the width is o",
        ),
        ({"num_classes": "$shape"}, r"networks\.py, line 10, in small: TypeError: "),
        ({"wide": 3, "width": 2.5}, r"networks\.py, line 8, in small: TypeError: "),
    ],
)
def test_an_error_of_their_code_names_its_line(arguments, words, tmp_path, problem):
    file = tmp_path / "networks.py"
    file.write_text(NETWORKS)
    settings = copy.deepcopy(MODULE) | {"module": content(f"{file}:small")}
    settings["arguments"] |= arguments
    with refused(words):
        network_of(settings, problem, [], file)


def test_an_error_within_the_parts_of_a_network_names_the_place(tmp_path, problem):
    file = tmp_path / "networks.py"
    file.write_text("from torch import nn\ndef wrong():\n    return nn.Linear(5, 3)\n")
    told = {"in_features": 5, "out_features": 3}
    for place, arguments, words in (
        ("torch.nn:Linear", told, r"network: nn/modules/linear\.py"),
        (f"{file}:wrong", {}, rf"network: {file}: RuntimeError: mat1 and mat2"),
    ):
        settings = {"module": content(place), "arguments": arguments}
        of_file = file if arguments == {} else None
        network = network_of(settings, problem, [], of_file)
        with refused(f"^{words}"), of_network(settings, of_file):
            check_answers("flowers", network, problem)


def test_an_error_of_ours_keeps_its_traceback():
    settings = {"module": content("torch.nn:A")}
    with pytest.raises(ZeroDivisionError), of_network(settings, None):
        1 / 0  # noqa: B018


def test_jobs_cut_differently_change_no_byte(project):
    def rows():
        (text,) = project.results("ahead/scores.csv").values()
        some = b"ahead,fixed-1,all"
        return [row for row in text.splitlines() if row.startswith(some)]

    before = rows()
    project.change("variants", "fixed-1", to={"freeze": "0"})  # as on the ladder
    project.change("studies", "ahead", "variants", to=["fixed-1"])
    project.change("studies", "ahead", "target_sizes", to=["all"])
    project.change("repeats_per_job", to=1)
    project.snakemake("scores", "--cores", "2")
    assert len(before) == 4
    assert rows() == before


def test_numbers_of_a_problem_are_as_many_as_it_says():
    """The features' number is filled in too, and a row without a shape is flat."""
    x = np.zeros((4, 6), np.float32)
    y = np.arange(4) % 2
    problem = Problem(x, y, x, y, np.arange(4), 2)
    settings = {
        "module": {"import": "torch.nn", "function": "Linear", "libraries": ["torch"]},
        "arguments": {"in_features": "$features", "out_features": "$classes"},
    }
    network = network_of(settings, problem, [], None)
    assert network.shapes == {"weight": (2, 6), "bias": (2,)}
