"""Two concurrent launches of one sweep share the work, even if one of them is killed."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.soak.study import SWEEP, assert_equal
from tests.soak.warm import Warm


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", ["launcher=serial", "launcher=fused sweep.pack_size=4"])
@pytest.mark.parametrize("kills", [0, 10])
def test_two_launches_share_the_work(start: Warm, tmp_path: Path, words: str, kills: int) -> None:
    command = [*SWEEP, *words.split()]
    shared = tmp_path / "shared"
    draw = random.Random(1)
    for _ in range(kills):
        pair = [start(shared, *command), start(shared, *command)]
        time.sleep(draw.uniform(0, 4))
        draw.choice(pair).kill()
        time.sleep(draw.uniform(0, 1))
        for process in pair:
            if process.lives:
                process.kill()
    both = [start(shared, *command), start(shared, *command)]
    for process in both:
        assert process.wait() == 0, process.said
        assert "18 complete, 6 diverged" in process.said
    started = [line for path in shared.glob("outputs/soak/*/log.txt") for line in path.read_text().splitlines()]
    assert sum(line.startswith("started") for line in started) == 24, "a run was started twice"
    alone = start(tmp_path / "alone", *command)
    assert alone.wait() == 0, alone.said
    assert_equal(shared / "outputs/soak", tmp_path / "alone/outputs/soak")


def test_the_second_waits_for_what_the_first_trains(start: Warm, tmp_path: Path) -> None:
    words = ["sweep", "model.depth=1", "model.width=8", "seed=0,1", "study=s", "epochs=100", "launcher=fused"]
    first = start(tmp_path, *words)
    study = tmp_path / "outputs/s"
    while len(list(study.glob("*/run.json"))) < 2 and first.lives:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)  # so that it cannot end before the second has looked
    try:
        second = start(tmp_path, *words)
        while "waiting for" not in second.said:
            assert second.lives, second.said
            time.sleep(0.01)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert (first.wait(), second.wait()) == (0, 0), second.said
    assert second.said.count("(by another launch)") == 2
    assert all(path.read_text().count("started") == 1 for path in study.glob("*/log.txt"))
