"""A default of training, variants or networks is known once, and counts in the keys.

Recipes leave defaults out, so the code that holds them must be in the keys' closure:
changing a default changes numbers.
"""

import inspect

import pytest

from thaw import keys
from thaw.config import models
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.settings import Training, Variant

# The config's groups, and the code that receives them.
LEARNING = [
    (models.Training, Training),
    (models.Variant, Variant),
    (models.Network, FullyConnected),
]


@pytest.mark.parametrize(("group", "learning"), LEARNING)
def test_recipes_leave_out_the_defaults_of_learning(group, learning):
    taken = {
        name: parameter.default
        for name, parameter in inspect.signature(learning).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    said = {
        name: field.get_default(call_default_factory=True)
        for name, field in group.model_fields.items()
        if name in taken
    }
    assert said.keys() == taken.keys()
    for name, default in said.items():
        same = tuple(default) if isinstance(default, list) else default
        assert same == taken[name], f"{name}: the config says {default!r}"


@pytest.mark.parametrize("learning", [Training, Variant, FullyConnected])
def test_a_changed_default_is_another_key(learning):
    assert learning.__module__ in keys.modules("train")
    assert learning.__module__.startswith(keys.COMPUTING)
