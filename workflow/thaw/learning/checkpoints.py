"""Pretrained weights, fitted to the network that takes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from thaw.errors import ThawError, listed
from thaw.learning import seeds
from thaw.learning.learner import Network, State


def source_model(network: Network, name: str, state: State) -> State:
    """Return the weights of a file, of that name, as a source model, `[1, …]`.

    Its entries are those of one network. The output's may be missing or of another
    shape: it is then drawn anew. Of tied entries one is enough, because safetensors
    writes only one. A prefix of all names (DataParallel's, say) is removed or added if
    they then fit. Batch norm's count of batches may be missing, as in files from before
    PyTorch 0.4.1. Numbers are converted to the network's types.

    Raises `ThawError` for entries that are missing, unexpected, of another shape or not
    finite.
    """
    *hidden, output = network.groups
    drawn = network.draw([*hidden, output], seeds.FIRST)
    fresh = {entry: values[0] for entry, values in drawn.items()}
    body = [entry for group in hidden for entry in network.groups[group]]
    counts = {e: fresh[e] for e in body if e.endswith("num_batches_tracked")}
    candidates = (counts | _with_tied(s, network.tied) for s in _renamed(state, fresh))
    fitting = (s for s in candidates if {*body} <= s.keys() <= fresh.keys())
    state = next(fitting, _with_tied(state, network.tied))
    pairs = {e: (values, fresh[e]) for e, values in state.items() if e in fresh}
    mistakes = {
        "missing": [entry for entry in body if entry not in state],
        "not in the network": [entry for entry in state if entry not in fresh],
        "of another shape": [
            f"{entry} ({size_of(values.shape)} in the file, "
            f"{size_of(expected.shape)} in the network)"
            for entry, (values, expected) in pairs.items()
            if entry in body and values.shape != expected.shape
        ],
        "whole numbers where others are expected, or the other way round": [
            entry
            for entry, (values, expected) in pairs.items()
            if values.is_floating_point() != expected.is_floating_point()
        ],
        # The infinities of a mask are in the network, too.
        "nan or infinite": [
            entry
            for entry, (values, expected) in pairs.items()
            if not values.isfinite().all() and expected.isfinite().all()
        ],
    }
    words = [f"{what}: {listed(wrong)}" for what, wrong in mistakes.items() if wrong]
    if words:
        raise ThawError(
            f"{name} does not fit the network: {'; '.join(words)}. Change the entries "
            "before you save them (docs/networks.md), or the network"
        )
    return {
        entry: state[entry].to(values.dtype)[None]
        for entry, values in fresh.items()
        if entry in state
    }


def check_alike(models: Mapping[str, State]) -> None:
    """Raise `ThawError` unless source models, by the names of their files, are alike.

    Otherwise some would keep their output and others would not.
    """
    shapes_by_name = {
        name: {entry: values.shape for entry, values in state.items()}
        for name, state in models.items()
    }
    first, expected = next(iter(shapes_by_name.items()))
    for name, shapes in shapes_by_name.items():
        entries = {**expected, **shapes}
        differ = [e for e in entries if shapes.get(e) != expected.get(e)]
        if differ:
            raise ThawError(f"{name} and {first} differ in shape: {listed(differ)}")


def _with_tied(state: State, tied: Sequence[Sequence[str]]) -> State:
    """Return a state with all names of tied entries, if it has any of them."""
    complete = dict(state)
    for names in tied:
        there = [state[name] for name in names if name in state]
        complete |= {name: there[0] for name in names if there and name not in state}
    return complete


def _renamed(state: State, entries: Iterable[str]) -> Iterator[State]:
    """Yield a state as it is, without prefixes of all its names, and with another.

    `entries` are the network's, whose prefixes are added.
    """
    yield state
    while (
        all("." in name for name in state)
        and len({name.partition(".")[0] for name in state}) == 1
    ):
        state = {name.partition(".")[2]: values for name, values in state.items()}
        yield state
    parts = [name.split(".") for name in entries]
    prefixes = (".".join(p[:n]) for p in parts for n in range(1, len(p)))
    for prefix in dict.fromkeys(prefixes):
        yield {f"{prefix}.{name}": values for name, values in state.items()}


def size_of(shape: Sequence[int]) -> str:
    """Return a shape in words."""
    return " by ".join(map(str, shape)) or "one number"
