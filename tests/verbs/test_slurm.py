"""launcher=slurm on the command line, with a Slurm that starts nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bnlab.sweeps.cluster import launch
from bnlab.verbs import status as verb
from tests.conftest import Called
from tests.sweeps.cluster.fake import FakeSlurm

Call = Callable[..., Called]
NET = ["model.depth=1", "model.width=4", "steps=4", "data.train_size=128", "diagnostics=off", "study=s"]
GRID = [*NET, "norm=none,batch", "seed=0,1", "launcher=slurm"]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    monkeypatch.chdir(tmp_path)
    return FakeSlurm(tmp_path / "fake", monkeypatch)


def test_a_dry_run_prints_the_script_and_writes_nothing(bnlab: Call, slurm: FakeSlurm) -> None:
    own = ["sweep.workers=3", "sweep.sbatch=[--mem=8G,module load python]"]
    status, out, err = bnlab("sweep", *GRID, *own, "--dry-run")
    assert (status, err) == (0, "")
    assert out.startswith("#!/bin/sh\n")
    assert "\n#SBATCH --array=1-3\n" in out
    assert "\n#SBATCH --mem=8G\n" in out
    assert "\nmodule load python\n" in out
    assert slurm.submitted() == []
    assert not Path("outputs").exists()
    study = bnlab("study", "mistakes", "scale=smoke", "launcher=slurm", "--dry-run")
    assert (study.status, study.err) == (0, "")
    assert "Workers of the study outputs/mistakes" in study.out


def test_what_is_submitted_trains_what_a_sweep_would(
    bnlab: Call, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's command, with an experiment that names the launcher, runs in this process."""
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/own.yaml").write_text(
        "# @package _global_\n# An experiment of a site\nlauncher: slurm\n"
        "sweep: {workers: 2, time: '1:00:00', wait: false}\n"
    )
    words = [word for word in GRID if word != "launcher=slurm"]
    done = bnlab("sweep", "--config-dir", "mine", "experiment=own", *words)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "4 runs: 4 to train, 0 done already",
        "2 workers submitted as job 1 (outputs/s/slurm/worker.sbatch)",
        "not waiting for them: bnlab status outputs/s --watch shows their progress",
    ]
    (script,) = slurm.submitted()
    assert "#SBATCH --time=1:00:00" in script
    waiting = bnlab("status", "outputs/s").out
    assert "4 waiting" in waiting
    assert "slurm: 2 workers of job 1 running on n1" in waiting
    assert bnlab("worker", "outputs/s").status == 0
    assert len(slurm.submitted()) == 1
    slurm.queue()
    assert "4 complete" in bnlab("status", "outputs/s").out
    commands = [json.loads(path.read_text())["command"] for path in Path("outputs/s").glob("*/run.json")]
    assert len(commands) == 4
    again = bnlab("sweep", "--config-dir", "mine", "experiment=own", *words)
    assert "0 to train, 4 done already" in again.out
    assert len(slurm.submitted()) == 1


def test_it_waits_and_sums_up_like_other_launchers(
    bnlab: Call, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def train(_: float) -> None:
        """Stand for the workers: mark each run as its worker would."""
        from bnlab.runs.packing import read_packing
        from bnlab.runs.writer import RunWriter

        assert trained == []
        for record in read_packing(Path("outputs/s")).packs:
            for run_id, command in record.runs.items():
                with RunWriter(Path("outputs/s") / run_id) as writer:
                    axes = {"norm": "batch", "optim.lr": 0.1, "seed": len(trained), "steps": 4}
                    writer.create("seed: 0\n", {"run_id": run_id, "axes": axes, "command": command})
                    failed = not trained
                    writer.update(status="failed" if failed else "complete", cause="ValueError: x" if failed else None)
                trained.append(run_id)

    monkeypatch.setattr(launch, "sleep", train)
    done = bnlab("sweep", *GRID)
    assert (done.status, done.err) == (1, "")
    assert "3 complete, 1 failed" in done.out
    assert "train them again: bnlab sweep" in done.out
    assert "report: bnlab report outputs/s" in done.out
    assert (Path("outputs/s") / "index.csv").read_text().count("\n") == 5


def test_plan_says_jobs_and_limit(bnlab: Call, slurm: FakeSlurm) -> None:
    out = bnlab("plan", *GRID, "sweep.workers=2", "sweep.time=60").out
    assert "launcher=slurm: 1 array of 2 workers, at most 60 min each" in out
    assert "longest run: unknown" in out
    assert slurm.submitted() == []


def test_watching_goes_on_while_workers_may_begin(
    bnlab: Call, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bnlab("sweep", *GRID, "sweep.wait=false").status == 0
    monkeypatch.setattr("bnlab.sweeps.cluster.state.QUERY", 0.0)
    moments = iter((lambda: None, lambda: None, lambda: None, slurm.queue, lambda: None))
    # Not time.sleep itself, which the thread of the heartbeats calls too.
    clock = SimpleNamespace(sleep=lambda _: next(moments)(), monotonic=time.monotonic, strftime=time.strftime)
    monkeypatch.setattr(verb, "time", clock)
    assert bnlab("status", "outputs/s", "--watch").status == 0
    assert next(moments, None) is None


WRONG = {
    "sweep launcher=slurm sweep.time=4h": "sweep.time=4h should be a time limit that sbatch understands: minutes (90)",
    "sweep launcher=slurm sweep.time=0": "sweep.time=0 should be a time limit",
    "sweep launcher=slurm sweep.time=1.5": "sweep.time=1.5 should be",
    "sweep launcher=slurm sweep.workers=0": "sweep.workers=0 should be at least 1",
    "sweep launcher=slurm sweep.gpus=0": "sweep.gpus=0 should be at least 1",
    "sweep launcher=slurm sweep.gpus=1 device=cpu": "sweep.gpus=1 asks for GPUs, and device=cpu uses none",
    "sweep launcher=slurm sweep.gpus=1 sweep.sbatch=[--gres=gpu:a100:1]": "both ask for GPUs",
    "sweep launcher=slurm sweep.partition=a;b": "the name of a partition (sinfo lists them)",
    "sweep launcher=slurm sweep.sbatch=[--array=1-9]": "a flag other than --array, which bnlab sets",
    "sweep launcher=slurm sweep.sbatch=[--mem=1G,-ox]": "a flag other than --output, which bnlab sets",
    "sweep launcher=slurm sweep.sbatch=[--outp=x]": "a flag other than --output, which bnlab sets",
    "sweep launcher=slurm sweep.sbatch=[--time=5]": "a flag other than --time, which sweep.time sets",
    "sweep launcher=slurm sweep.sbatch=[#SBATCH --mem=1]": "a flag of sbatch (--mem=8G) or a line of shell",
    "sweep launcher=slurm sweep.sbatch=--mem=1G": "a list: sweep.sbatch=[--mem=1G]",
    "sweep launcher=slurm rerun=true": "launcher=slurm lays out waiting runs, and rerun=true",
    "sweep launcher=slurm sweep.wait=false optim.lr=interval(0.01,1)": "sweep.wait=false lays out a fixed grid",
    "sweep launcher=slurm study=a,b": "workers of one study",
    "sweep sweep.time=60": "sweep.time is given, and launcher=auto: add launcher=slurm",
    "sweep launcher=serial sweep.sbatch=[--mem=1G]": "sweep.sbatch is given, and launcher=serial",
    "sweep --dry-run": "--dry-run prints the script of launcher=slurm",
    "train launcher=slurm": "launcher=slurm lays out a sweep (bnlab sweep), and this trains one run",
    "worker outputs launcher=slurm": "launcher=slurm lays out runs for workers",
    "study mistakes scale=smoke launcher=slurm sweep.wait=false": "sweep.wait=false",
}


@pytest.mark.parametrize("words", WRONG)
def test_mistakes_are_one_line(bnlab: Call, slurm: FakeSlurm, words: str) -> None:
    verb, *rest = words.replace("#SBATCH --mem", "#SBATCH_--mem").split()
    own = [] if verb in ("worker", "study") else [word for word in NET if word != "study=s"]
    status, _, err = bnlab(verb, *own, *(word.replace("_--", " --") for word in rest))
    assert (status, err.count("\n")) == (2, 1)
    assert WRONG[words] in err
    assert slurm.submitted() == []
    assert not list(Path().glob("outputs/*/*/run.json"))


def test_refused_workers_are_one_line(bnlab: Call, slurm: FakeSlurm) -> None:
    slurm.refuse("sbatch: error: invalid partition specified: x\n")
    status, _, err = bnlab("sweep", *GRID, "sweep.partition=x")
    assert (status, err.count("\n")) == (2, 1)
    assert "sbatch: invalid partition specified: x: sinfo lists the partitions" in err
    assert "4 waiting" in bnlab("status", "outputs/s").out  # for the same command, or any worker
