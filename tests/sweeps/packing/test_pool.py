"""The pool of waiting packs: fair to those at work, none taken twice, nothing lost, and it comes to an end."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.runs.lock import Busy, lock
from bnlab.runs.packing import AMONG, NAME, Record, is_listed, read_packing, write_packing
from bnlab.runs.presence import FOLDER, present
from bnlab.sweeps.packing import pool as pools
from bnlab.sweeps.packing.packs import record_of
from bnlab.sweeps.packing.pool import Pool, Terms


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look at those at work be a new one."""
    monkeypatch.setattr(pools, "COUNTED", -1.0)


def lay_out(study: Path, kinds: dict[str, int]) -> list[str]:
    """List single runs of some kinds, and return the ids."""
    names = (f"{n:012x}" for n in count())
    records = [
        record_of({next(names): "bnlab train"}, 1, {"launcher": "none"}, kind)
        for kind in kinds
        for _ in range(kinds[kind])
    ]
    write_packing(study, records, [])
    return [run_id for record in records for run_id in record.runs]


def terms(most: int = 32, own: int = 1) -> Terms:
    return Terms(own, lambda _: most, lambda _, __: 1, {"launcher": "auto"})


def pool(study: Path) -> Pool:
    return Pool(study, lambda _: True)


def begin(study: Path, record: Record) -> None:
    for run_id in record.runs:
        (study / run_id).mkdir(exist_ok=True)
        (study / run_id / "run.json").touch()


def took(study: Path, most: int = 32, own: int = 1) -> Iterator[Record]:
    """Yield packs as one worker takes and starts them."""
    mine = pool(study)
    while (record := mine.take(terms(most, own))) is not None:
        begin(study, record)
        yield record


def test_alone_it_takes_the_packs_of_a_sweep(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 60, "b": 1})
    with present(tmp_path, 1):
        assert [len(record.runs) for record in took(tmp_path)] == [30, 30, 1]


def test_a_late_worker_divides_what_has_not_begun(tmp_path: Path) -> None:
    ids = lay_out(tmp_path, {"a": 60})
    with present(tmp_path, 1):
        first = pool(tmp_path).take(terms())
        assert first is not None
        begin(tmp_path, first)
        with present(tmp_path, 7):
            found = [first, *took(tmp_path)]
    assert [len(record.runs) for record in found[:5]] == [30, 2, 2, 2, 2]
    assert sorted(run_id for record in found for run_id in record.runs) == sorted(ids)
    assert is_listed(tmp_path, first.id), "a pack that has begun is not divided"


def test_an_outdated_list_is_read_again(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 64})
    one, other = pool(tmp_path), pool(tmp_path)
    with present(tmp_path, 1):
        begin(tmp_path, one.take(terms()) or pytest.fail("nothing waits"))
        with present(tmp_path, 7):
            begin(tmp_path, other.take(terms()) or pytest.fail("nothing waits"))
            record = one.take(terms())
    assert record is not None
    assert is_listed(tmp_path, record.id)
    assert len(record.runs) == 2


def test_runs_that_do_not_pay_together_are_taken_as_they_were_laid_out(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 20})
    before = (tmp_path / NAME).read_bytes()
    with present(tmp_path, 1):
        assert len(list(took(tmp_path, most=1))) == 20
    assert (tmp_path / NAME).read_bytes() == before


def test_a_worker_with_little_memory_leaves_large_packs_to_others(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 96})
    with present(tmp_path, 1), present(tmp_path, 1):
        begin(tmp_path, pool(tmp_path).take(terms(most=32)) or pytest.fail("nothing waits"))
        before = (tmp_path / NAME).read_bytes()
        record = pool(tmp_path).take(terms(most=4))
    assert record is not None
    assert len(record.runs) == 4
    assert (tmp_path / NAME).read_bytes() == before


def test_it_divides_one_large_pack_where_there_are_no_small_ones(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 96})
    with present(tmp_path, 1):
        begin(tmp_path, pool(tmp_path).take(terms(most=32)) or pytest.fail("nothing waits"))
        record = pool(tmp_path).take(terms(most=4))
    assert record is not None
    assert len(record.runs) == 4
    assert sorted(len(one.runs) for one in read_packing(tmp_path).packs) == [4] * 8 + [32, 32]


def test_runs_of_different_kinds_and_of_others_are_not_joined(tmp_path: Path) -> None:
    runs = {"a": 3, "b": 3, "": 3}
    ids = lay_out(tmp_path, runs)
    kind = {run_id: name for name, run_id in zip((k for k, n in runs.items() for _ in range(n)), ids, strict=True)}
    with present(tmp_path, 1):
        found = list(took(tmp_path))
    assert sorted(len(one.runs) for one in found) == [1, 1, 1, 3, 3]
    assert all(len({kind[run_id] for run_id in one.runs}) == 1 for one in found)


class Colleague:
    """A worker that is simulated step by step: it takes a pack, locks its runs, trains them or dies."""

    def __init__(self, study: Path, most: int) -> None:
        self.study, self.pool, self.terms = study, pool(study), terms(most)
        self.there = ExitStack()
        self.there.enter_context(present(study, 1))
        self.held, self.record = ExitStack(), None

    def choose(self) -> bool:
        self.record = self.pool.take(self.terms)
        return self.record is not None

    def start(self) -> bool:
        """Lock the runs as `Runner` does, and look whether the pack is still there."""
        assert self.record is not None
        try:
            for run_id in self.record.runs:
                self.held.enter_context(lock(self.study / run_id))
        except Busy:
            self.held.close()
            return False
        if any((self.study / run_id / "run.json").exists() for run_id in self.record.runs):
            self.held.close()
            return False
        if not is_listed(self.study, self.record.id):
            self.held.close()
            return False
        return True

    def leave(self) -> None:
        self.held.close()
        self.there.close()


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 15), st.integers(1, 6))
def test_whoever_comes_and_goes_each_run_is_trained_once(seed: int, many: int, few: int, most_at_work: int) -> None:
    """In random order, workers come, take, lock, train and leave; what they do in between is arbitrary."""
    draw = random.Random(seed)
    with TemporaryDirectory() as place:
        study = Path(place)
        ids = lay_out(study, {"a": many, "b": few})
        trained = Counter[str]()
        colleagues: list[Colleague] = []
        for _ in range(40 * len(ids) + 400):
            if sum(trained.values()) == len(ids):
                break
            if not colleagues or (len(colleagues) < most_at_work and draw.random() < 0.3):
                colleagues.append(Colleague(study, draw.choice([1, 4, 32])))
            one = draw.choice(colleagues)
            if draw.random() < 0.1:  # it dies, or its time is over, between two steps
                one.leave()
                colleagues.remove(one)
            elif one.record is None:
                if not one.choose():
                    one.pool.offer_again()  # what it could not lock
                    waits = [run_id for run_id in ids if run_id not in trained]
                    assert one.choose() or not waits, "it is idle while runs wait"
            elif one.start():
                for run_id in one.record.runs:
                    trained[run_id] += 1
                    (study / run_id / "run.json").touch()
                one.held.close()
                one.record = None
            else:
                one.record = None
        for one in colleagues:
            one.leave()
        assert trained == Counter(ids), "each run is trained once, and it comes to an end"
        packs = read_packing(study).packs
        assert sorted(run_id for record in packs for run_id in record.runs) == sorted(ids)
        assert all(record.asked.get(AMONG, 1) for record in packs)
        assert not (study / FOLDER).exists()
