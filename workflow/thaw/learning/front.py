"""Find the frozen parts that a module runs first, so that they need to run only once.

A module's `forward` is any code, so they are found by watching it run: the calls of
frozen parts before the first part that learns. What the last of them returns is *passed
on*. Later it stands in for that call, and the other calls return nan, so that whatever
else depended on them would show. `forward` itself runs every time.
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
    """A call of a frozen part, and the form of what it returned."""

    part: Module
    shape: Sequence[int]
    dtype: torch.dtype


class _Reached(BaseException):
    """Ends a module's run at the last call; not an error that its code may catch."""


class Front:
    """The calls of the frozen parts that a module runs first, in order."""

    def __init__(
        self, module: Module, calls: Sequence[_Call], written: bool = False
    ) -> None:
        """Take the calls; the last one passes its output on.

        written: whether `forward` works in place on what the others return.
        """
        self._module, self._calls, self._written = module, calls, written

    def __call__(self, x: Tensor) -> Tensor:
        """Return what they pass on for rows `x`, `[rows, …]`."""
        try:
            self._run(x.clone(), None)  # a network may write to its rows
        except _Reached as reached:
            return reached.args[0]
        raise _unlike()

    def rest(self, x: Tensor, passed: Tensor) -> Tensor:
        """Return the module's output for rows `x`, given what is passed on for them."""
        return self._run(x, passed)

    def _run(self, x: Tensor, passed: Tensor | None) -> Tensor:
        """Run the module, up to the last call unless something is `passed`."""
        calls, is_inside = list(self._calls), False

        def call(part: Module, forward: Callable, *args: Any, **more: Any) -> Any:
            nonlocal is_inside
            if is_inside or not calls:  # a part of a frozen part, or of the rest
                return forward(*args, **more)
            expected = calls.pop(0)
            if expected.part is not part:
                raise _unlike()
            if passed is not None:
                # The next part may work in place.
                return self._blank(x, expected) if calls else passed.clone()
            is_inside = True
            value = forward(*args, **more)
            is_inside = False
            if not calls:
                raise _Reached(value)
            return value

        with _replaced((call.part for call in self._calls), call):
            output = self._module(x)
        if calls:
            raise _unlike()
        return output

    def _blank(self, x: Tensor, call: _Call) -> Tensor:
        blank = x.new_full((), torch.nan, dtype=call.dtype).expand(len(x), *call.shape)
        return blank.contiguous() if self._written else blank


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

    What they pass on must be the same in eval and in train mode, for each row whatever
    its company, must depend on nothing that learns, and draw no random numbers.
    """
    for written in (False, True):
        try:
            double = copy.deepcopy(module)
            originals = dict(zip(double.modules(), module.modules(), strict=True))
            asleep = [part for part in originals if originals[part] in still]
            calls = _watched(double, asleep, samples[0])
            front = Front(double, calls, written)
            if calls and all(_is_sure(front, double, asleep, x, seed) for x in samples):
                calls = [call._replace(part=originals[call.part]) for call in calls]
                return Front(module, calls, written)
        except Exception:  # of the module's own code; training shows it
            continue
    return None


def set_mode(module: Module, still: Iterable[Module]) -> None:
    """Set a module, which may have a train() of its own, to train mode but `still`."""
    module.train()
    for part in still:
        part.training = False


def _watched(module: Module, still: Collection[Module], x: Tensor) -> list[_Call]:
    """Return the calls of frozen parts before any part that learns.

    Those that return no rows, such as positions of a sequence, run every time.
    """
    calls: list[_Call] = []
    is_inside = is_closed = False

    def call(part: Module, forward: Callable, *args: Any, **more: Any) -> Any:
        nonlocal is_inside, is_closed
        is_closed |= part not in still
        if is_inside or is_closed:
            return forward(*args, **more)
        is_inside = True
        value = forward(*args, **more)
        is_inside = False
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
        # Of fewer rows, and of others than the last ones: positions of a sequence may
        # be as many as rows, and a part may keep what it passed on last.
        last = front.rest(x[-2:].clone(), passed[-2:]), module(x[-2:].clone())
        pairs = [(passed[:2], front(x[:2])), last]
    for asleep in ([*module.modules()], still):
        set_mode(module, asleep)
        with torch.enable_grad():
            seed()
            numbers = _next_numbers()
            seed()
            if front(x).requires_grad or _next_numbers() != numbers:
                return False
            seed()
            output = module(x.clone())
            seed()
            pairs.append((output, front.rest(x.clone(), passed)))
    return all(torch.allclose(*pair, rtol=1e-3, atol=1e-5) for pair in pairs)


def _next_numbers() -> list[float]:
    """Return the next number of each global generator on the CPU."""
    return [torch.rand(()).item(), np.random.rand(), random.random()]


@contextmanager
def _replaced(parts: Iterable[Module], call: Callable) -> Iterator[None]:
    """Have `call(part, forward, …)` run in place of each part's `forward`."""
    before = {part: part.__dict__.get("forward") for part in parts}
    for part in before:
        part.__dict__["forward"] = partial(call, part, part.forward)
    try:
        yield
    finally:
        for part, forward in before.items():
            del part.__dict__["forward"]
            if forward is not None:
                part.__dict__["forward"] = forward


def _unlike() -> ThawError:
    return ThawError(
        "network: its forward() runs other frozen parts for some rows than for others; "
        "run the same ones for all rows, or freeze none of them"
    )
