"""Find the frozen parts that a module runs first, so that they need to run only once.

A module's `forward` is any code, so they are found by watching it run: the calls of
frozen parts before the first part that learns. What the last of them returns is *passed
on*. Later it stands in for that call, and the other calls return nan, so that whatever
else depended on them would show. `forward` itself runs every time, whatever it does
between and after its parts.
"""

import copy
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from thaw.errors import ThawError


class _Call(NamedTuple):
    """A call of a frozen part, and what it returned, without its values."""

    part: Module
    shape: Sequence[int]
    dtype: torch.dtype


class _Reached(BaseException):
    """Ends a module's run at the last call; not an error that its code may catch."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Front:
    """The frozen parts that a module runs first."""

    def __init__(
        self, module: Module, calls: Sequence[_Call], written: bool = False
    ) -> None:
        """Take the calls in order; the last one passes its output on.

        written: whether `forward` works in place on what the others return.
        """
        self._module, self._calls, self._written = module, calls, written
        self._parts = dict.fromkeys(call.part for call in calls)

    def __call__(self, x: Tensor) -> Tensor:
        """Return what they pass on for rows `x`, `[rows, …]`."""
        left, inside = list(self._calls), False

        def call(part: Module, forward: Callable, *args: Any, **more: Any) -> Any:
            nonlocal inside
            if inside:  # a part of a frozen part
                return forward(*args, **more)
            self._expect(part, left)
            inside = True
            value = forward(*args, **more)
            inside = False
            if not left:
                raise _Reached(value)
            return value

        with _replaced(self._parts, call):
            try:
                self._module(x.clone())  # a network may write to its rows
            except _Reached as reached:
                return reached.value
        raise _unlike()

    def rest(self, x: Tensor, passed: Tensor) -> Tensor:
        """Return the module's output for rows `x`, given what is passed on for them."""
        left = list(self._calls)

        def call(part: Module, forward: Callable, *args: Any, **more: Any) -> Any:
            if not left:
                return forward(*args, **more)
            expected = self._expect(part, left)
            if not left:
                return passed.clone()  # the next part may work in place
            blank = x.new_full((), torch.nan, dtype=expected.dtype)
            blank = blank.expand(len(x), *expected.shape)
            return blank.contiguous() if self._written else blank

        with _replaced(self._parts, call):
            said = self._module(x)
        if left:
            raise _unlike()
        return said

    def _expect(self, part: Module, left: list[_Call]) -> _Call:
        """Take the next call off `left`; raise `ThawError` if it is another part's."""
        if left[0].part is not part:
            raise _unlike()
        return left.pop(0)


def front_of(
    module: Module,
    still: Collection[Module],
    samples: Sequence[Tensor],
    seed: Callable[[], None],
) -> Front | None:
    """Return the frozen parts that a module runs first, if it can be told for sure.

    still: all frozen parts. samples: some rows, `[rows, …]` each, on which everything
    is tried, with a copy: a module may count its calls. seed: seeds all generators that
    the module may draw from; they are left as they happen to be.

    It must be the same in eval and in train mode, for each row whatever its company,
    must depend on nothing that learns, and draw no random numbers.
    """
    for written in (False, True):
        try:
            tried = copy.deepcopy(module)
            own = dict(zip(tried.modules(), module.modules(), strict=True))
            asleep = [part for part in own if own[part] in still]
            calls = _watched(tried, asleep, samples[0])
            front = Front(tried, calls, written)
            if all(_is_sure(front, tried, asleep, x, seed) for x in samples):
                calls = [call._replace(part=own[call.part]) for call in calls]
                return Front(module, calls, written)
        except Exception:  # of the module's own code; training shows it
            continue
    return None


def set_mode(module: Module, still: Iterable[Module]) -> None:
    """Set a module to train mode, except the parts `still`.

    It may have a train() of its own.
    """
    module.train()
    for part in still:
        part.training = False


def _watched(module: Module, still: Collection[Module], x: Tensor) -> Sequence[_Call]:
    """Return the calls of frozen parts before any part that learns.

    Those that return no rows, such as positions of a sequence, run every time.
    Raises `ValueError` if there is no other.
    """
    calls: list[_Call] = []
    inside = closed = False

    def call(part: Module, forward: Callable, *args: Any, **more: Any) -> Any:
        nonlocal inside, closed
        closed |= part not in still
        if inside or closed:
            return forward(*args, **more)
        inside = True
        value = forward(*args, **more)
        inside = False
        is_float = isinstance(value, Tensor) and value.is_floating_point()
        if is_float and len(value) == len(x):
            calls.append(_Call(part, value.shape[1:], value.dtype))
        return value

    # Parts without weights that are not frozen, such as activations, may be anywhere.
    learning = [
        part
        for part in module.modules()
        if not {*still} & {*part.modules()}
        and (any(True for _ in part.parameters()) or any(True for _ in part.buffers()))
    ]
    set_mode(module, module.modules())
    with torch.no_grad(), _replaced([*still, *learning], call):
        module(x.clone())
    if not calls:
        raise ValueError
    return calls


def _is_sure(
    front: Front,
    module: Module,
    still: Collection[Module],
    x: Tensor,
    seed: Callable[[], None],
) -> bool:
    """Whether what is passed on for rows `x` is theirs alone and all that is needed."""
    set_mode(module, module.modules())
    with torch.no_grad():
        passed = front(x)
        alike = [(passed[:2], front(x[:2]))]
        # Of fewer rows, and of others than the last ones: positions of a sequence may
        # be as many as rows, and a part may keep what it said last.
        last = front.rest(x[-2:].clone(), passed[-2:]), module(x[-2:].clone())
        alike.append(last)
    for asleep in ([*module.modules()], still):
        set_mode(module, asleep)
        said = []
        for run in (front, module, partial(front.rest, passed=passed)):
            seed()
            before = _generators()
            with torch.enable_grad():
                said.append(run(x.clone()))
            if run is front and (said[0].requires_grad or _generators() != before):
                return False
        alike.append((said[1], said[2]))
    return all(torch.allclose(*pair, rtol=1e-3, atol=1e-5) for pair in alike)


def _generators() -> list[Any]:
    """Return the states of all global generators."""
    states = [torch.get_rng_state()]
    if torch.cuda.is_available():
        states.append(torch.cuda.get_rng_state())
    own = np.random.get_state(legacy=False)
    own["state"]["key"] = own["state"]["key"].tolist()
    return [*(s.tolist() for s in states), own, random.getstate()]


@contextmanager
def _replaced(parts: Iterable[Module], call: Callable) -> Iterator[None]:
    """Have `call(part, forward, …)` run in place of each part's `forward`."""
    before = {part: part.__dict__.get("forward") for part in parts}
    for part in before:
        part.__dict__["forward"] = partial(call, part, part.forward)
    try:
        yield
    finally:
        for part, own in before.items():
            if own is None:
                del part.__dict__["forward"]
            else:
                part.__dict__["forward"] = own


def _unlike() -> ThawError:
    return ThawError(
        "network: its forward() runs other frozen parts for some rows than for others; "
        "run the same ones for all rows, or freeze none of them"
    )
