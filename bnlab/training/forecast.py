"""An estimate of training time from a few timed updates."""

from collections.abc import Callable
from statistics import median
from time import monotonic

from bnlab.training.loop import Loop
from bnlab.training.step import METRICS

FORWARD = 1 / 3  # of an update: the backward pass needs two products for each one of the forward pass


def forecast(loop: Loop, tries: int) -> float:
    """Return an estimate of the seconds that `loop.run` will take.

    Time this many updates, and one with every diagnostic, without changing the state; count evaluations as forward
    passes.

    Raises:
        Exception: vmap or the memory does not allow an update.
    """
    length = loop.length
    loop.rehearse()  # the first update is slower
    update = median(_seconds(loop.rehearse) for _ in range(tries))
    observed = max(0.0, _seconds(lambda: loop.rehearse([*loop.when, METRICS])) - update)
    looks = sum(length.is_due(moments, step) for moments in loop.when.values() for step in range(length.updates + 1))
    evaluated = loop.evaluator.examples((length.updates - 1) // length.per_epoch)
    passes = evaluated * length.per_epoch / length.examples(length.per_epoch, loop.n_train) * FORWARD
    return (length.updates + passes) * update + observed * looks / max(1, len(loop.when))


def _seconds(work: Callable[[], object]) -> float:
    started = monotonic()
    work()
    return monotonic() - started
