"""Options of launcher=slurm: what sbatch understands, and what bnlab's own lines set."""

import re

import pytest

from bnlab.config.slurm import seconds

TIMES = {
    "90": 90 * 60, "0:30": 30, "10:00": 600, "4:00:00": 4 * 3600, "1-12": 36 * 3600, "1-2:30": 86400 + 9000,
    "2-1:02:03": 2 * 86400 + 3723,
}  # fmt: skip


@pytest.mark.parametrize("time", TIMES)
def test_time_limits_are_read_as_sbatch_reads_them(time: str) -> None:
    assert seconds(time) == TIMES[time]


@pytest.mark.parametrize("time", ["", "4h", "0", "0:00", "1:2:3:4", "-5", "1.5", "1-", "1-0:0:0:0", "٣"])
def test_others_are_refused(time: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(time)}$"):
        seconds(time)
