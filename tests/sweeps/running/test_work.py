"""Many workers in one folder, with training stubbed: no run twice, index and status right."""

from pathlib import Path

from benchmarks.workers import check, simulate


def test_eight_workers_share_two_hundred_runs(tmp_path: Path) -> None:
    result = simulate(tmp_path / "study", workers=8, runs=200)
    check(tmp_path / "study", result, 200)
    assert max(result.packs) > 1, "runs that can be trained together are"
    assert len(result.packs) > 8
