"""Signals that ask to end, while a loop trains."""

import signal
import threading
from collections.abc import Iterator

import pytest

from bnlab.interrupt import deferred
from tests.training.parts import Memory, train


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """A shell takes it from what it puts in the background, these tests too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_first_signal_asks_and_a_second_one_interrupts() -> None:
    with deferred() as interrupt:
        assert not interrupt.asked
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_stays() -> None:
    def ours(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGINT, ours)
    try:
        with deferred():
            assert signal.getsignal(signal.SIGINT) is ours
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_has_no_signals_to_defer() -> None:
    asked = []

    def run() -> None:
        with deferred() as interrupt:
            asked.append(interrupt.asked)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert asked == [False]


class Impatient(Memory):
    """Presses Ctrl-C as soon as it sees rows of step 8."""

    def append(self, table: str, rows: list[dict[str, object]]) -> None:
        super().append(table, rows)
        if table == "steps" and rows[-1]["step"] == 8:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("fused", [False, True])
def test_a_loop_keeps_a_checkpoint_of_the_step_that_it_had_reached(fused: bool) -> None:
    memories: list[Memory] = [Impatient(), Memory()][: 1 + fused]
    with pytest.raises(KeyboardInterrupt):
        train([0.05, 0.01][: 1 + fused], fused=fused, recorders=memories)
    for memory in memories:
        (kept,) = memory.checkpoints
        assert kept["step"] == 9
        assert not kept["finished"]
        assert memory.rows["steps"][-1]["step"] == 8
