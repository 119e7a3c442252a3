"""What `bnlab plan` says about launcher=slurm, and the number of workers."""

from pathlib import Path

import pytest

from bnlab.sweeps.cluster import number as numbers
from bnlab.sweeps.cluster.number import MOST, number
from bnlab.sweeps.cluster.outlook import against_limit, choice
from bnlab.sweeps.planning.forecast import Cost
from tests.sweeps.cluster.conftest import Make


def test_the_choice(jobs: Make) -> None:
    found = choice(jobs(3, "sweep.workers=2", "sweep.time=90"))
    assert found.workers == 2
    assert found.why.startswith("launcher=slurm: 1 array of 2 workers, at most 1 h 30 min each; ")
    assert "the partition's default limit each" in choice(jobs(1)).why


@pytest.mark.parametrize(
    ("longest", "said"),
    [
        (None, "longest run: unknown"),
        (600.0, "longest run: about 10 min, within the limit of 60 min"),
        (3600.0 * 5, "about 6 jobs one after another"),
    ],
)
def test_the_longest_run_against_the_limit(jobs: Make, longest: float | None, said: str) -> None:
    (job,) = jobs(1, "sweep.time=60")
    assert said in against_limit(job.config, longest)


def test_without_a_limit_only_the_run_is_told(jobs: Make) -> None:
    (job,) = jobs(1)
    assert against_limit(job.config, 600.0) == "longest run: about 10 min"


def test_workers_are_at_most_one_a_run(jobs: Make) -> None:
    assert number(jobs(3)) == 3
    assert number(jobs(3, "sweep.workers=9")) == 3
    assert number(jobs(MOST + 1)) == MOST


@pytest.mark.parametrize(("seconds", "workers"), [(1.0, 1), (100.0, 2), (1e6, 5)])
def test_known_times_decide(
    jobs: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float, workers: int
) -> None:
    monkeypatch.setattr(numbers.Forecast, "cost", lambda self, axes: Cost(seconds, False, 1.0, 1, True))
    assert number(jobs(5)) == workers
