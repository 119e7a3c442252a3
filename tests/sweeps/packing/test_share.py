"""Division of runs among the slots at work: nothing lost, the largest first, fair at the end."""

from hypothesis import given
from hypothesis import strategies as st

from bnlab.sweeps.packing.share import sizes


def test_a_worker_alone_makes_packs_as_a_sweep_does() -> None:
    assert sizes(60, 60, slots=1, own=1, most=32) == [30, 30]
    assert sizes(60, 60, slots=4, own=4, most=32) == [15, 15, 15, 15]
    assert sizes(7, 7, slots=2, own=2, most=32) == [4, 3]
    assert sizes(3, 3, slots=1, own=1, most=1) == [1, 1, 1]


def test_packs_become_smaller_as_less_remains() -> None:
    found = sizes(60, 60, slots=8, own=1, most=32)
    assert found[:4] == [4, 4, 4, 3]
    assert found[-8:] == [1] * 8
    assert sizes(1000, 1000, slots=2, own=1, most=32)[:20] == [32] * 20


def test_runs_that_wait_besides_them_keep_packs_large() -> None:
    assert sizes(30, 600, slots=8, own=1, most=32) == [30]
    assert sizes(30, 96, slots=8, own=1, most=32)[0] == 6


@given(st.integers(1, 3000), st.integers(0, 3000), st.integers(1, 300), st.integers(1, 300), st.integers(1, 128))
def test_nothing_is_lost_and_no_pack_is_too_large(runs: int, others: int, slots: int, own: int, most: int) -> None:
    found = sizes(runs, runs + others, slots, own, most)
    assert sum(found) == runs
    assert found == sorted(found, reverse=True)
    assert 1 <= found[-1] <= found[0] <= most
    if slots > own:
        waiting = runs + others
        for size in found:
            assert size <= -(-waiting // (2 * slots))
            waiting -= size
