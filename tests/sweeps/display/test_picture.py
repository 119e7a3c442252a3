"""What `bnlab status` prints."""

from pathlib import Path

import pytest

from bnlab.runs.lock_holder import this_process
from bnlab.runs.status import Look, Run
from bnlab.sweeps.display.picture import FEW, head, picture

WIDE = "norm=group: 7 groups do not divide 256 channels at units.0.before_act: choose norm.groups among 1, 2, 4, 8"


def run(state: str, n: int, cause: str | None = None, **more: object) -> Run:
    axes = {"norm": "batch", "optim.lr": n / 10, "seed": n % 3}
    command = f"bnlab train seed={n} " + "optim.lr=0.1 " * 9
    info = {"axes": axes, "cause": cause, "command": command, "seconds": 10.0}
    ended = 1000.0 + 10 * n
    return Run(Path(f"study/{state}{n}"), state, info, ended=ended, command=command, **more)  # type: ignore[arg-type]


def several() -> Look:
    return Look(
        [
            *(run("complete", n) for n in range(30)),
            *(run("diverged", n, f"the loss left all bounds at step {n}") for n in range(7)),
            *(run("refused", n, WIDE) for n in range(2)),
            *(run("failed", n, f"Error{'x' * n}: {'why ' * 40}") for n in range(FEW + 2)),
            *(run("running", n, updates=(50, 100), holder=this_process()) for n in range(20)),
            *(run("interrupted", n, updates=(7, 100)) for n in range(2)),
            Run(Path("study/w"), "waiting"),
        ],
        {Path(f"study/g{n}"): f"study/g{n}/run.json cannot be read (x); remove its folder" for n in range(9)},
    )


@pytest.mark.parametrize("width", [80, 50])
def test_lines_fit_the_terminal(width: int) -> None:
    lines = picture(Path("outputs/demo"), several(), width).plain.splitlines()
    assert max(len(line) for line in lines if "bnlab train" not in line) <= width
    assert "outputs/demo: 70 runs" in lines
    assert "       7 diverged" in lines
    assert "  7 x the loss left all bounds at step 0 to 6" in lines
    assert "  … and 2 other causes" in lines
    assert any("20 runs, 50% of their updates" in line for line in lines)
    assert any("update 7/100" in line for line in lines)
    assert sum("cannot be read (x)" in line for line in lines) == FEW
    assert "  … and 3 more" in lines
    interrupted, failed = (line for line in lines if "bnlab train" in line)
    assert failed == interrupted
    assert failed.startswith("  bnlab train seed=0")
    assert sum("sweep.retry=failed" in line for line in lines) == 1


def test_whole_lines_without_a_terminal() -> None:
    lines = picture(Path("outputs/demo"), several(), None).plain.splitlines()
    assert f"  2 x {WIDE}" in lines
    assert f"  Error: {'why ' * 40}" in lines


def test_a_study_that_is_done_says_little() -> None:
    look = Look([run("complete", n) for n in range(3)], {})
    assert picture(Path("s"), look, 80).plain == "s: 3 runs\n       3 complete"
    assert head(look) == "3 complete"


def test_pace_and_time_left_while_it_goes_on() -> None:
    look = Look([*(run("complete", n) for n in range(1, 5)), run("running", 9, holder=this_process())], {})
    assert head(look) == "4 complete, 1 running; 6 runs a minute, about 10 s left"
    assert "6 runs a minute, about 10 s left" in picture(Path("s"), look, 80).plain.splitlines()


def started(norm: str, seed: int) -> Run:
    command = f"bnlab train norm={norm} optim.lr=0.1 seed={seed} epochs=4 experiment=demo output_dir=/o --config-dir=x"
    info = {"axes": {"norm": norm, "optim.lr": 0.1, "seed": seed}, "command": command}
    return Run(Path(f"study/{norm}{seed}"), "running", info, holder=this_process(), updates=(3, 8), command=command)


def test_a_run_is_called_as_the_sweep_calls_it() -> None:
    waiting = Run(Path("study/w"), "waiting", command="bnlab train norm=layer optim.lr=0.1 seed=1 epochs=4")
    lines = picture(Path("s"), Look([started("none", 0), started("batch", 1), waiting], {}), None).plain.splitlines()
    assert "  norm=batch seed=1 (batch1)  update 3/8" in lines


def test_a_run_has_all_its_words_while_others_are_unknown() -> None:
    look = Look(
        [started("none", 0), Run(Path("s/w"), "waiting"), Run(Path("s/b"), "running", holder=this_process())], {}
    )
    lines = picture(Path("s"), look, None).plain.splitlines()
    assert "  norm=none optim.lr=0.1 seed=0 epochs=4 (none0)  update 3/8" in lines
    assert "  (b)" in lines


@pytest.mark.parametrize(("silent", "said"), [(0.0, False), (30.0, False), (840.0, True)])
def test_a_machine_without_heartbeat_is_named(silent: float, said: bool) -> None:
    runs = [run("running", n, updates=(50, 100), holder=this_process(), silent=silent) for n in range(2)]
    text = picture(Path("s"), Look(runs, {}), None).plain
    assert ("no heartbeat for 14 min: if its machine is dead" in text) is said
