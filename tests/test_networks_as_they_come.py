"""Networks as users write them: what the check says of each, and of its variants."""

import json

import pytest

from samples import DESCRIPTION
from thaw import keys
from thaw.config.network import content_of_function
from thaw.errors import ThawError
from thaw.external.functions import load
from thaw.external.networks import network_of
from thaw.learning.settings import Training
from thaw.output.job import Job
from thaw.output.problems import save_problem
from thaw.stages import check_network
from trained import draw, fit, same, with_numbers

RECIPE = keys.recipe("make_problem", {}, {})

# A user's file. It ends in a function, `network`, of each case's expression.
FILE = """
import random, sys
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from test_networks import Tied

unseeded = np.random.default_rng().normal

class Two(nn.Module):
    def __init__(self, answer=None, classes=3, width=4, scale=1):
        super().__init__()
        self.body, self.head = nn.Linear(2, width), nn.Linear(width, classes)
        self.answer, self.scale = answer, scale
    def logits(self, x):
        return self.scale * self.head(torch.relu(self.body(x)))
    def forward(self, x):
        return self.answer(self, x) if self.answer else self.logits(x)

def changed(change, *answer):
    net = Two(*answer)
    change(net)
    return net

def tied(classes):
    net = Tied(classes)
    net.stem = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6))
    return net
"""

WRONG = [
    # Seeds that are ignored, and what is left in Python.
    ("Two(scale=unseeded())", r"its forward\(\) differs between two .* of one seed"),
    ("Two(lambda n, x: n.logits(x) + n.training * unseeded())", "in train mode, its"),
    ("Two(scale=random.random())", "something random is outside its state_dict"),
    ("Two(lambda n, x: n.head(F.dropout(n.body(x))))", "from call to call"),
    ("(torch.manual_seed(1), Two())[1]", "its weights are the same for two seeds.*; s"),
    # Weights, and what else a function returns.
    ("Two().to(torch.bfloat16)", "its body.weight is torch.bfloat16, not torch.fl"),
    ("nn.Sequential(nn.LazyLinear(4))", r"its 0\.weight has no size .* call the modul"),
    ("None", "its function returns None, not a .*; return one"),
    # The network's outputs.
    ("Two(lambda n, x: {'logits': n.logits(x)})", "for flowers it returns dict inste"),
    ("Two(classes=9)", r"2 by 9 numbers for a batch of 2, not 2 by 3; .*\$clas"),
    ("Two(lambda n, x: n.logits(x).softmax(1))", "probabilities, .*; remove the softm"),
    ("Two(scale=float('nan'))", "for flowers it returns numbers that are nan"),
    ("Two(lambda n, x: n.logits(x).repeat(1, 1 + n.training))", "in train mode, for "),
    # Parts that do not learn, or do though they are frozen.
    ("Two(lambda n, x: n.head(n.body(x).detach()))", "the group body, which should"),
    ("changed(lambda n: n.add_module('spare', nn.Linear(4, 4)))", "the group spare, "),
    (
        "changed(lambda n: n.body.register_buffer('count', torch.zeros(1)),"
        "lambda n, x: (n.body.count.add_(1), n.logits(x))[1])",
        r"one: the module changed body\.count, which is frozen",
    ),
    # Errors of the user's code.
    (r"sys.exit('no\n w')", r"networks.py, line \d+, in network: SystemExit: no w;"),
    ("nn.Linear(5, 3)", "networks.py: RuntimeError: .*mat1 and mat2"),
    ("Two(classes=outputs)", "network.arguments: network missing .* 'outputs'; its"),
]
GOOD = [
    "nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 4)),"
    "nn.BatchNorm1d(4), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),"
    "nn.utils.spectral_norm(nn.Linear(4, 4)), nn.utils.weight_norm(nn.Linear(4, 3)))",
    # A mask of infinities, as attention has.
    "changed(lambda n: n.register_buffer('mask', -torch.ones(4) / 0, persistent=False),"
    "lambda n, x: n.head(n.body(x) + n.mask.exp()))",
    "torch.compile(Two())",
    # The next call must not see what it wrote.
    "Two(lambda n, x: n.logits(x.sub_(1)))",
]
ALONE_AND_FIXED = {"alone": {"freeze": 0}, "one": {"freeze": 1}}


@pytest.fixture
def check(tmp_path, problem):
    """Return a function that checks a network, as the check's job does."""

    def check(code, variants=ALONE_AND_FIXED, takes="", **options):
        """Return the effect of each variant on the network."""
        file, options = tmp_path / "networks.py", {"target": problem} | options
        file.write_text(f"{FILE}\ndef network({takes}):\n    return {code}\n")
        network = {"module": content_of_function(f"{file}:network")}
        roles = [role for role in ("source", "target") if role in options]
        if "source" not in options:
            variants = {n: {"pretrained": False} | v for n, v in variants.items()}
        paths = {role: tmp_path / f"{role}.npz" for role in roles}
        for role, path in paths.items():
            classes = [*map(str, range(options[role].classes))]
            described = DESCRIPTION._replace(classes=classes)
            save_problem(path, options[role], described, RECIPE, {})
        arguments = {"classes": "$classes"} if takes == "classes" else {}
        settings = {
            "study": "ahead",
            "source": "trees",
            "target": "flowers",
            "network": network | {"arguments": arguments},
            "variants": list(variants.items()),
            "checkpoints": [],
        }
        inputs, output = dict.fromkeys(roles, keys.key(RECIPE)), tmp_path / "check.json"
        recipe = {"settings": settings, "inputs": inputs}
        files = {name: [path] for name, path in paths.items()} | {"network": [file]}
        job = Job("check_network", "", recipe, files, {"rows": [output]})
        check_network.main(job)
        return json.loads(output.read_text())["rows"]

    return check


def refused(words):
    return pytest.raises(ThawError, match=rf"^studies\.ahead: .*{words}")


@pytest.mark.parametrize(("code", "words"), WRONG)
def test_what_is_wrong_with_a_network_is_one_line(code, words, check):
    with refused(words) as caught:
        check(code, takes="outputs" * ("=outputs" in code))
    assert "\n" not in str(caught.value)


def test_a_package_that_cannot_be_imported_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise RuntimeError('no\\n GPU')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ThawError, match=r"^broken: RuntimeError: no GPU\Z"):
        load({"import": "broken", "function": "small"}, None)


@pytest.mark.parametrize("code", GOOD)
def test_networks_of_many_kinds_pass_and_what_is_frozen_stands_still(
    code, check, problem, tmp_path
):
    check(code)
    file = tmp_path / "networks.py"
    settings = {"module": content_of_function(f"{file}:network")}
    network = network_of(settings, problem.task, DESCRIPTION, file)
    *hidden, output = network.groups
    assert "_orig_mod" not in network.groups  # as it was before it was compiled
    before = draw(network, [0])
    for freeze in {0, len(hidden)}:
        once, again = (
            fit(problem, Training(1, 16, 0.01), [0], network, freeze=freeze).state
            for _ in range(2)
        )
        assert same(once, again) == {*once}
        frozen = {e for group in hidden[:freeze] for e in network.groups[group]}
        unchanged = same(before, once)
        assert frozen <= unchanged
        assert not unchanged & {*network.groups[output]}


def test_a_number_takes_one_output(check, problem):
    numbers = with_numbers(problem)
    check("Two(classes=1)", target=numbers)
    with refused(r"it returns 2 by 3 numbers for a batch of 2, not 2 by 1; give"):
        check("Two()", target=numbers)


def test_a_part_that_never_learns_needs_no_gradient(check):
    detached = "Two(lambda n, x: n.head(n.body(x).detach()))"
    check(detached, {"one": {"freeze": 1}})
    with refused("no gradient reaches the group body"):
        check(detached, {"one": {"phases": [{"freeze": 1}, {"freeze": 0}]}})
    with refused("variants.one: the network has no norm layers"):
        check("Two()", {"one": {"freeze": "all but norm layers"}})


def test_only_the_output_may_differ_between_source_and_target(check, problem):
    options = {"takes": "classes", "source": problem._replace(classes=5)}
    assert check("Two(classes=classes)", **options)[0]["fresh"] == ["head"]
    with refused(r"weights of trees do not fit the target: .*body\.bias is 5 .* and 3"):
        check("Two(classes=classes, width=classes)", **options)
    with refused(r"0\.bias is missing there"):
        code = "nn.Sequential(nn.Linear(2, 4, bias=classes < 5), nn.Linear(4, classes))"
        check(code, **options)


def test_what_is_frozen_is_counted_in_weights(check, problem):
    variants = {
        "standalone": {"pretrained": False},
        # The middle layers are one weight: frozen with the first.
        "fixed-2": {"freeze": 2},
        "middle": {"freeze": [2]},
        "norms": {"freeze": "all but norm layers"},
        "head first": {"phases": [{"freeze": 3, "epochs": 2}, {"epochs": 3}]},
    }
    problems = {"source": problem, "target": problem._replace(classes=5)}
    rows = check("tied(classes)", variants, takes="classes", **problems)
    assert [tuple(row.values()) for row in rows] == [
        ("standalone", [], ["stem", "first", "second", "head"], 0, 113),
        ("fixed-2", ["stem", "first"], ["head"], 72, 113),
        ("middle", ["first"], ["head"], 42, 113),
        ("norms", ["all but norm layers"], ["head"], 66, 113),
        ("head first, phase 1", ["stem", "first", "second"], ["head"], 78, 113),
        ("head first, phase 2", [], ["head"], 0, 113),
    ]


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"freeze": [1, 4]}, "4 is deeper than the network, whose groups are stem"),
        ({"freeze": 4}, "4 is deeper than the network, whose groups are stem"),
        ({"phases": [{}, {"freeze": [1, 2, 3, "output"]}]}, "phase 2: no weight .* le"),
        ({"fresh": [2]}, r"first\.weight and second\.weight are one weight.* fresh"),
    ],
)
def test_a_variant_that_does_not_fit_is_named(variant, words, check, problem):
    with refused(rf"variants\.one.*{words}"):
        check("tied(3)", {"one": variant}, source=problem)
