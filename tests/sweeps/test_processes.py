"""The folder of a launch with worker processes."""

from pathlib import Path

from bnlab.runs.lock import lock
from bnlab.sweeps.executors.processes import _folder


def test_folders_of_dead_launches_go_and_those_of_live_ones_stay(tmp_path: Path) -> None:
    dead, live = tmp_path / "launch_here_1", tmp_path / "launch_here_2"
    dead.mkdir()
    (dead / "pack.json").write_text("{}")
    with lock(live):
        with _folder(tmp_path) as mine:
            assert (dead.exists(), live.exists(), mine.parent) == (False, True, tmp_path)
            mine.joinpath("pack.json").write_text("{}")
        assert not mine.exists()
