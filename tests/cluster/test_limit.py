"""A time limit shorter than the work: a worker keeps a checkpoint, is queued again and resumes."""

from pathlib import Path

import pytest

from tests.cluster.conftest import NET, PLUGIN, Sweep, assert_same, logs

pytestmark = pytest.mark.cluster
GRID = ["sweep", *NET, "study=s", "seed=0,1,2", "checkpoint_seconds=1e9"]


def test_the_time_limit_costs_nothing(place: Path) -> None:
    done = Sweep(place, *GRID, "launcher=slurm", "sweep.workers=1", "sweep.time=2", pause=0.8)
    assert done.wait() == 0, done.said
    assert done.said.count("submitted as job") == 1, "it was not queued again, but replaced"
    assert "3 complete" in done.said
    (log,) = logs(place / "outputs/s").values()
    assert log.count("bnlab worker starts") >= 2
    assert "ended by a signal; the same command resumes where it stopped" in log
    assert "it resumes from step" in log
    (place / "alone").mkdir()
    (place / "alone/slow.py").write_text(PLUGIN)
    serial = Sweep(place / "alone", *GRID)
    assert serial.wait() == 0, serial.said
    assert_same(place / "outputs/s", place / "alone/outputs/s", place / "copies")
