"""Networks of popular libraries; skipped if these are not installed."""

import numpy as np
import pytest

from thaw.config.network import content_of_function as content
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.external.checks import check_answers
from thaw.external.networks import network_of
from thaw.learning.settings import Training
from trained import draw, fit, same

GROUPS = ["conv1|bn1", "layer1", "layer2", "layer3", "layer4", "fc"]
OTHERS = {
    "torchvision.models:resnet18": {},
    "timm:create_model": {"model_name": "resnet18"},
}


@pytest.fixture(params=OTHERS)
def settings(request):
    """Return how a config describes a network of a library, which must be there."""
    pytest.importorskip(request.param.partition(":")[0].partition(".")[0])
    return {
        "module": content(request.param),
        "arguments": OTHERS[request.param] | {"num_classes": "$classes"},
        "groups": GROUPS,
    }


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3 * 32 * 32)).astype(np.float32)
    y = np.arange(12) % 3
    return Problem(x[:8], y[:8], x[8:], y[8:], np.arange(9, 13), 3)


def test_an_epoch_with_the_first_groups_frozen(settings, images):
    network = network_of(settings, images, [3, 32, 32], None)
    check_answers("images", network, images)
    assert list(network.groups) == GROUPS
    end = fit(images, Training(1, 4, 0.01), [0], network, freeze=3).state
    frozen = {entry for group in GROUPS[:3] for entry in network.groups[group]}
    stayed = same(draw(network, [0]), end)
    assert frozen <= stayed
    assert not any(name.startswith(("layer4", "fc")) for name in stayed)


def test_a_builder_without_the_number_of_classes_is_caught(settings, images):
    del settings["arguments"]["num_classes"]
    network = network_of(settings, images, [3, 32, 32], None)
    with pytest.raises(ThawError, match="it returns 2 by 1000 numbers, not 2 by 3"):
        check_answers("images", network, images)
