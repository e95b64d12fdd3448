"""Networks as users write them: what the check says of each, in one line."""

import argparse
from pathlib import Path

import pytest

from conftest import DESCRIPTION
from thaw import keys
from thaw.config.network import content_of_function
from thaw.errors import ThawError
from thaw.external.networks import network_of
from thaw.learning.settings import Training
from thaw.output.problems import save_problem
from thaw.stages import check_network
from trained import draw, fit, same

RECIPE = keys.recipe("make_problem", {}, {})

FILE = '''
import functools, os, random, sys, time
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Two(nn.Module):
    """A body and a head, which the networks below spoil."""

    def __init__(self, classes=3):
        super().__init__()
        self.body = nn.Linear(2, 4)
        self.head = nn.Linear(4, classes)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


def good():
    return Two()


class Drawn(Two):
    def __init__(self):
        super().__init__()
        values = np.random.default_rng().normal(size=(4, 2)).astype("float32")
        self.body.weight.data = torch.from_numpy(values)


class RandomBuffer(Two):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.rand(4), persistent=False)

    def forward(self, x):
        return self.head(self.mask * self.body(x))


class DrawnInTraining(Two):
    def forward(self, x):
        if self.training:
            x = x + torch.from_numpy(np.random.default_rng().normal(size=x.shape))
        return super().forward(x.float())


class RandomDepth(Two):
    def __init__(self):
        super().__init__()
        self.width = random.randint(5, 99)
        self.body = nn.Linear(2, self.width)
        self.head = nn.Linear(self.width, 3)


class Complex(Two):
    """Takes weights of another type where it needs them, as Fourier layers do."""

    def __init__(self):
        super().__init__()
        self.body.more = nn.Parameter(torch.randn(4, dtype=torch.complex64))
        self.register_buffer("table", torch.ones(4, dtype=torch.float64))

    def forward(self, x):
        return self.head((self.body(x) * self.body.more).abs() * self.table.float())


class RandomPart(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = random.random()

    def forward(self, x):
        return x * self.scale


class RandomNumber(Two):
    def __init__(self):
        super().__init__()
        self.scaled = RandomPart()

    def forward(self, x):
        return self.head(self.scaled(self.body(x)))


class SystemNumber(Two):
    def __init__(self):
        super().__init__()
        self.scale = np.random.default_rng().normal()

    def forward(self, x):
        return self.scale * super().forward(x)


class Noise(nn.Module):
    def forward(self, x):
        return F.dropout(x)


class AlwaysDropout(Two):
    def __init__(self):
        super().__init__()
        self.noise = Noise()

    def forward(self, x):
        return self.head(self.noise(self.body(x)))


def in_bfloat16():
    return Two().to(torch.bfloat16)


def in_half():
    return Two().half()


def in_double():
    return Two().double()


def on_meta():
    with torch.device("meta"):
        return Two()


def of_size(width, depth=1):
    return Two()


def a_class():
    return Two


def a_function():
    return good


def nothing():
    Two()


def several():
    return Two(), None


class Spectral(nn.Sequential):
    """Batch norm, parametrizations old and new, and a buffer."""

    def __init__(self):
        super().__init__(
            nn.utils.parametrizations.spectral_norm(nn.Linear(2, 4)),
            nn.BatchNorm1d(4),
            nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
            nn.utils.spectral_norm(nn.Linear(4, 4)),
            nn.utils.weight_norm(nn.Linear(4, 3)),
        )
        self.register_buffer("scale", torch.rand(3))

    def forward(self, x):
        return self.scale * super().forward(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 4, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.lstm(x[:, :, None])[0][:, -1])


class Attention(nn.Module):
    """A causal mask of infinities, one encoder layer, tied projections."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(1, 4)
        layer = nn.TransformerEncoderLayer(4, 2, 8, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        mask = torch.full((2, 2), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        self.project, self.again = nn.Linear(4, 4), nn.Linear(4, 4)
        self.again.weight = self.project.weight
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.encoder(self.embed(x[:, :, None]), mask=self.mask)
        return self.head(self.again(self.project(x))[:, -1])


def lazy_but_called():
    net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 3))
    net(torch.zeros(1, 2))
    return net


def lazy():
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 3))


class TwoInTraining(Two):
    def forward(self, x):
        return (super().forward(x), x) if self.training else super().forward(x)


class WiderInTraining(Two):
    def forward(self, x):
        said = super().forward(x)
        return torch.cat([said, said], 1) if self.training else said


class OtherEntries(Two):
    def train(self, mode=True):
        if mode:
            self.aux = nn.Linear(4, 3)
        elif hasattr(self, "aux"):
            del self.aux
        return super().train(mode)


class WritesToItsRows(Two):
    def forward(self, x):
        x -= 1
        return super().forward(x)


def first_in_place():
    return nn.Sequential(nn.LeakyReLU(inplace=True), nn.Linear(2, 4), nn.Linear(4, 3))


class SetsItselfUp(Two):
    """Shifts by the mean of the first rows, as activation norm does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.full((2,), float("nan")))

    def forward(self, x):
        if self.shift.isnan().any():
            self.shift = x.mean(0)
        return super().forward(x - self.shift)


class Probabilities(Two):
    def forward(self, x):
        return super().forward(x).softmax(1)


class LogProbabilities(Two):
    def forward(self, x):
        return super().forward(x).log_softmax(1)


class Squeezed(Two):
    def forward(self, x):
        return super().forward(x)[:, :1].squeeze(1)


class MixedPrecision(Two):
    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(x)


class NoGrad(Two):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


class NoGradBelow(Two):
    def forward(self, x):
        with torch.no_grad():
            x = self.body(x)
        return self.head(x)


def still():
    net = Two()
    net.body.requires_grad_(False)
    return net


class Unused(Two):
    def __init__(self):
        super().__init__()
        self.body, self.spare = nn.Linear(2, 4), nn.Linear(4, 4)
        self.head = self._modules.pop("head")


def not_a_number():
    net = Two()
    net.body.weight.data[0, 0] = float("nan")
    return net


def infinite():
    net = Two()
    net.head.bias.data[0] = float("inf")
    return net


class SaysNaN(Two):
    def forward(self, x):
        return super().forward(x) * float("nan")


def leaves():
    sys.exit()


def leaves_with_words():
    sys.exit("no weights here")


class Leaves(Two):
    def forward(self, x):
        exit(3)


class Dictionary(Two):
    def forward(self, x):
        return {"logits": super().forward(x)}


class Nothing(Two):
    def forward(self, x):
        super().forward(x)


@functools.cache
def always_the_same():
    return Two()


class ExtraState(Two):
    def get_extra_state(self):
        return {"epoch": 3}

    def set_extra_state(self, state):
        pass


class NoInit(nn.Module):
    def __init__(self):
        self.body = nn.Linear(2, 3)


def without_weights():
    return nn.Flatten()


def compiled():
    return torch.compile(Two())
'''


@pytest.fixture
def checked(tmp_path, problem):
    """Return a function that checks a function of `FILE`, as the check's job does."""
    key = keys.key(RECIPE)
    save_problem(tmp_path / "problem.npz", problem, DESCRIPTION, RECIPE, {})

    def check(function: str, text: str = FILE, variants=None, **network) -> Path:
        file = tmp_path / "networks.py"
        file.write_text(text)
        described = {"module": content_of_function(f"{file}:{function}")} | network
        variants = variants or {"alone": {"freeze": 0}, "fixed": {"freeze": 1}}
        variants = {n: v | {"pretrained": False} for n, v in variants.items()}
        recipe = {
            "settings": {
                "study": "ahead",
                "target": "flowers",
                "network": described,
                "variants": list(variants.items()),
                "target_sizes": ["all"],
                "batch_sizes": {"target": [10]},
                "checkpoints": [],
            },
            "inputs": {"target": key},
        }
        check_network.main(
            argparse.Namespace(
                recipe=recipe,
                source=None,
                target=tmp_path / "problem.npz",
                network=file,
                source_models=[],
                output=tmp_path / "check.json",
            )
        )
        return tmp_path / "check.json"

    return check


SYSTEM = "because it comes from the system .*; draw from torch.rand"
OUTSIDE = "is random and outside the state_dict.*; register it by register_buffer"
GRADIENT = "no gradient reaches the group body, which should learn"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            "Drawn",
            f"its body.weight differs between two networks of one seed, {SYSTEM}",
        ),
        ("SystemNumber", f"its forward.. differs between two .* of one seed, {SYSTEM}"),
        ("DrawnInTraining", "in train mode, two networks of one seed answer differ"),
        ("RandomDepth", "body.bias, body.weight, head.weight are not in each network"),
        ("RandomBuffer", f"its buffer mask {OUTSIDE}, without persistent=False"),
        ("RandomNumber", f"its part scaled {OUTSIDE}"),
        ("AlwaysDropout", r"its part noise answers .* differently .*=self\.training\)"),
        ("always_the_same", "its weights are the same for two seeds"),
        (
            "in_bfloat16",
            r"its body.weight is bfloat16, .*; return the module's \.float",
        ),
        ("in_half", "its body.weight is float16, not float32; return the module"),
        ("in_double", "its body.weight is float64, not float32"),
        ("on_meta", "its body.weight is on the device meta; build it on the CPU"),
        ("a_class", "its function returns the class Two, not a .*; call the class"),
        ("a_function", "its function returns the function good, not a .*; call it"),
        ("nothing", "its function returns None, not a .*; end it with return"),
        ("several", "its function returns a tuple, not a .*; return the module alone"),
        ("without_weights", "the module has no weights"),
        ("lazy", r"its 0\.weight has no size .* call the module once in the function"),
        ("ExtraState", "its _extra_state is a dict, not a tensor; remove get_extra_st"),
        ("Dictionary", "for flowers it returns dict instead of a tensor; wrap it"),
        ("Nothing", "for flowers it returns NoneType instead of a tensor"),
        ("TwoInTraining", "in train mode, for flowers it returns tuple instead of a"),
        ("WiderInTraining", "in train mode, for 2 rows .* 2 by 6 .*; return the same"),
        ("OtherEntries", r"in train mode its state_dict has .* \(aux.bias, aux.weight"),
        ("Squeezed", r"returns 2 numbers, not 2 by 3; return \[rows, outputs\], witho"),
        ("Probabilities", "it returns probabilities, .*; remove the softmax at its e"),
        ("MixedPrecision", r"returns bfloat16 numbers, not float32; end .*\.float\(\)"),
        ("NoGrad", f"{GRADIENT}: forward.. does not use it, or runs it under torch.no"),
        ("NoGradBelow", f"{GRADIENT}: forward.. does not use it"),
        ("still", f"{GRADIENT}: its function sets requires_grad to False"),
        ("Unused", "no gradient reaches the group spare, .* does not use it, or runs"),
        ("not_a_number", "its body.weight is not finite before anything learns"),
        ("infinite", "its head.bias is not finite before anything learns; initialise"),
        ("SaysNaN", "for flowers it returns numbers that are nan"),
        ("leaves", r"\S*networks.py, line \d+, in leaves: SystemExit; raise an error"),
        ("leaves_with_words", "in leaves_with_words: SystemExit: no weights here; rai"),
        ("Leaves", r"\S*networks.py, line \d+, in forward: SystemExit: 3; raise an er"),
        ("NoInit", "in __init__: AttributeError: cannot assign module before Module"),
    ],
)
def test_what_is_wrong_with_a_network_is_one_line(function, words, checked):
    with pytest.raises(
        ThawError, match=f"^studies.ahead: network: .*{words}"
    ) as caught:
        checked(function)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "of_size missing a required argument: 'width'; .* are width, depth"),
        ({"width": 3, "wide": 2}, "of_size got an unexpected keyword argument 'wide'"),
    ],
)
def test_arguments_must_be_those_of_the_function(arguments, words, checked):
    with pytest.raises(
        ThawError, match=rf"^studies.ahead: network\.arguments: {words}"
    ):
        checked("of_size", arguments=arguments)


def test_a_file_that_ends_the_process_is_named(checked):
    """Otherwise the job would end as if it had succeeded."""
    text = "import sys\nfrom torch.nn import Linear\nsys.exit()\n"
    with pytest.raises(ThawError, match=r"network: \S*networks\.py, line 3, in <mod"):
        checked("Linear", text)


def test_a_frozen_part_may_run_without_gradients(checked):
    checked("NoGradBelow", variants={"fixed": {"freeze": 1}})


def test_a_network_may_set_itself_up_by_the_first_rows(checked):
    checked("SetsItselfUp", variants={"alone": {"freeze": 0}})
    words = "alone: the module changed shift, which is frozen"
    with pytest.raises(ThawError, match=words):
        checked("SetsItselfUp", variants={"alone": {"freeze": 1}})


GOOD = [
    "good",
    "Complex",
    "Spectral",
    "Recurrent",
    "Attention",
    "lazy_but_called",
    "compiled",
    "WritesToItsRows",
    "first_in_place",
    "LogProbabilities",
]


@pytest.mark.parametrize("function", GOOD)
def test_networks_of_many_kinds_pass_and_what_is_frozen_stands_still(
    function, checked, problem
):
    file = checked(function).with_name("networks.py")
    settings = {"module": content_of_function(f"{file}:{function}")}
    network = network_of(settings, problem, [], file)
    *hidden, output = network.groups
    before = draw(network, [0])
    for freeze in range(len(hidden) + 1):
        checked(function, variants={"one": {"freeze": freeze}})
        once, again = (
            fit(problem, Training(1, 16, 0.01), [0], network, freeze=freeze).state
            for _ in range(2)
        )
        assert same(once, again) == {*once}
        frozen = {e for group in hidden[:freeze] for e in network.groups[group]}
        stayed = same(before, once)
        assert frozen <= stayed
        assert not stayed & {*network.groups[output]}
