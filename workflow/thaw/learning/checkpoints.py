"""Pretrained weights, fitted to the network that takes them."""

from collections.abc import Mapping, Sequence

from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.learner import Network, State


def source_model(network: Network, name: str, state: State) -> State:
    """Return the weights of a file, of that name, as a source model, `[1, …]`.

    Its entries are those of one network. The output's may be missing or of another
    shape: it is then drawn anew. Of tied entries one is enough, because safetensors
    writes only one. Numbers are converted to the network's types.

    Raises `ThawError` for entries that are missing, unexpected or of another shape.
    """
    *hidden, output = network.groups
    drawn = network.draw([*hidden, output], seeds.FIRST)
    own = {entry: values[0] for entry, values in drawn.items()}
    body = [entry for group in hidden for entry in network.groups[group]]
    state = _with_tied(state, network.tied)
    mistakes = {
        "missing": [entry for entry in body if entry not in state],
        "not in the network": [entry for entry in state if entry not in own],
        "of another shape": [
            f"{entry} ({size_of(state[entry].shape)} in the file, "
            f"{size_of(own[entry].shape)} in the network)"
            for entry in body
            if entry in state and state[entry].shape != own[entry].shape
        ],
        "whole numbers where others are expected, or the other way round": [
            entry
            for entry, values in state.items()
            if entry in own
            and values.is_floating_point() != own[entry].is_floating_point()
        ],
    }
    told = [f"{what}: {listed(wrong)}" for what, wrong in mistakes.items() if wrong]
    if told:
        raise ThawError(
            f"{name} does not fit the network: {'; '.join(told)}"
            f"{_all_below(state, body)}"
        )
    return {
        entry: state[entry].to(own[entry].dtype)[None]
        for entry in own
        if entry in state
    }


def check_alike(models: Mapping[str, State]) -> None:
    """Raise `ThawError` unless source models, by the names of their files, are alike.

    Otherwise some would keep their output and others would not.
    """
    (first, shapes), *others = (
        (name, {entry: values.shape for entry, values in state.items()})
        for name, state in models.items()
    )
    for name, theirs in others:
        differ = [e for e in {**shapes, **theirs} if theirs.get(e) != shapes.get(e)]
        if differ:
            raise ThawError(f"{name} and {first} differ in shape: {listed(differ)}")


def _with_tied(state: State, tied: Sequence[Sequence[str]]) -> State:
    """Return a state with all names of tied entries, if it has any of them."""
    found = dict(state)
    for names in tied:
        there = [state[name] for name in names if name in state]
        found |= {name: there[0] for name in names if there and name not in state}
    return found


def _all_below(state: State, body: Sequence[str]) -> str:
    """Hint at a common prefix (DataParallel's, say) without which names would fit."""
    first = next(iter(state), "").partition(".")[0] + "."
    names = {name.removeprefix(first) for name in state if name.startswith(first)}
    if len(names) == len(state) > 0 and names.issuperset(body):
        return f"; without {first} at their beginning, its names would fit: rename them"
    return ""


def size_of(shape: Sequence[int]) -> str:
    """Return a shape in words."""
    return " by ".join(map(str, shape)) or "one number"
