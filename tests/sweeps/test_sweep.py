"""A sweep trains each distinct run once, and goes on whatever happens to one of them."""

import json
import os
import resource
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest

import bnlab as package
from bnlab.models.mlp import MLP
from bnlab.runs.lock import lock
from bnlab.runs.schema import COLUMNS, RUN_TIMES

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=8", "data.train_size=200"]
SMALL = [*NET, "epochs=1"]


def infos(study: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(study.glob("*/run.json"))]


def test_grid_is_trained_once_and_indexed(bnlab: Call, tmp_path: Path) -> None:
    words = ["sweep", *SMALL, "norm=none,batch", "optim.lr=0.1,1", "seed=0,1", f"output_dir={tmp_path}", "study=grid"]
    status, out, err = bnlab(*words)
    assert (status, err) == (0, "")
    assert "8 runs: 8 to train, 0 done already" in out
    assert "8 complete" in out
    index = pd.read_csv(tmp_path / "grid" / "index.csv", dtype={"run_id": str})
    assert len(index) == 8
    assert sorted(index["run_id"]) == sorted(path.name for path in (tmp_path / "grid").iterdir() if path.is_dir())
    for norm in ("none", "batch"):
        assert (index["norm"] == norm).sum() == 4
    assert index["test_accuracy"].between(0, 1).all()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.csv")}
    status, out, _ = bnlab(*words)
    assert status == 0
    assert "8 runs: 0 to train, 8 done already" in out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.csv")} == before
    runs = package.load(tmp_path / "grid")
    assert len(runs.runs) == 8
    assert set(runs.steps["run_id"]) == set(index["run_id"])


def test_what_is_the_same_run_is_trained_once(bnlab: Call, tmp_path: Path) -> None:
    """The net without norm is one run whatever the placement; 1 and 1.0 are one rate."""
    words = ["sweep", *SMALL, "norm=none,batch", "placement=before_act,after_act", "optim.lr=1,1.0"]
    status, out, _ = bnlab(*words, f"output_dir={tmp_path}")
    assert status == 0
    assert "8 runs: 3 to train, 0 done already, 5 the same as another" in out
    assert len(infos(tmp_path / "main")) == 3


def test_an_impossible_cell_is_refused_and_the_others_run(bnlab: Call, tmp_path: Path) -> None:
    status, out, _ = bnlab(
        "sweep", *NET, "norm=batch,group", "data.batch_size=1,100000,20", f"output_dir={tmp_path}", "steps=3"
    )
    assert status == 0
    assert "3 complete, 3 refused" in out
    causes = [info["cause"] for info in infos(tmp_path / "main") if info["status"] == "refused"]
    assert sum("1 value" in str(cause) for cause in causes) == 1
    assert sum("100000" in str(cause) for cause in causes) == 2


def test_a_fault_marks_its_run_failed_and_the_others_run(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = MLP.forward

    def faulty(self: MLP, x: object) -> object:
        if self.head.weight.in_features == 9 and not getattr(x, "is_meta", False):
            raise ZeroDivisionError("a fault\nof two lines")
        return forward(self, x)  # type: ignore[arg-type]

    monkeypatch.setattr(MLP, "forward", faulty)
    words = ["sweep", *SMALL[2:], "model.depth=1", "model.width=8,9,10", f"output_dir={tmp_path}"]
    status, out, _ = bnlab(*words)
    assert status == 1
    assert "2 complete, 1 failed" in out
    assert "ZeroDivisionError: a fault" in out
    (failed,) = (info for info in infos(tmp_path / "main") if info["status"] == "failed")
    assert "Traceback" in str(failed["traceback"])
    assert failed["cause"] == "ZeroDivisionError: a fault"
    assert f"train them again: bnlab {' '.join(words)} sweep.retry=failed" in out
    status, out, _ = bnlab(*words)
    assert status == 1
    assert "3 runs: 0 to train, 2 done already, 1 failed before and skipped" in out
    monkeypatch.setattr(MLP, "forward", forward)
    status, out, _ = bnlab(*words, "sweep.retry=failed")
    assert status == 0
    assert "3 runs: 1 to train, 2 done already" in out


def test_the_command_of_a_run_repeats_it(bnlab: Call, tmp_path: Path) -> None:
    import shlex

    bnlab("sweep", *SMALL, "norm=batch", "optim.lr=0.3", "seed=0,4", f"output_dir={tmp_path}", "study=one")
    for info in infos(tmp_path / "one"):
        words = shlex.split(str(info["command"]))
        assert words[0] == "bnlab"
        status, out, _ = bnlab(*words[1:])
        assert status == 0
        assert "done already" in out
        assert str(info["run_id"]) in out


def test_says_which_diagnostics_finished_runs_lack(bnlab: Call, tmp_path: Path) -> None:
    words = ["seed=0,1", "steps=2", "model.width=8", "data.train_size=128", f"output_dir={tmp_path}"]
    bnlab("sweep", *words)
    _, out, _ = bnlab("sweep", *words, "diagnostics=[light,landscape]")
    assert "2 runs: 0 to train, 2 done already" in out
    assert "2 of those done lack landscape at these moments: rerun=true trains them again" in out
    _, out, _ = bnlab("sweep", *words, "when=[1]")
    assert "lack activation_moments, weight_grad_norm at these moments" in out
    assert "lack" not in bnlab("sweep", *words, "diagnostics=off")[1]
    one = [word.replace("seed=0,1", "seed=1") for word in words]
    assert (
        "the run has not recorded landscape at these moments: rerun=true"
        in bnlab("train", *one, "diagnostics=[light,landscape]")[1]
    )
    bnlab("sweep", *words, "diagnostics=[light,landscape]", "rerun=true")
    assert "lack" not in bnlab("sweep", *words, "diagnostics=[light,landscape]")[1]


def test_the_same_command_twice_gives_the_same_files_but_for_times(bnlab: Call, tmp_path: Path) -> None:
    for place in ("a", "b"):
        words = ["model=cnn", "model.depth=2", "model.width=4", "model.dropout=0.3", "data.augment=true", "epochs=2"]
        bnlab("train", *words, "data.train_size=200", f"output_dir={tmp_path / place}")
    (one,), (other,) = ([p for p in (tmp_path / place / "main").iterdir() if p.is_dir()] for place in ("a", "b"))
    assert one.name == other.name
    for table in COLUMNS:
        ours, theirs = (pd.read_csv(folder / f"{table}.csv", dtype=str) for folder in (one, other))
        pd.testing.assert_frame_equal(
            ours.drop(columns="seconds", errors="ignore"), theirs.drop(columns="seconds", errors="ignore")
        )
    ours, theirs = (json.loads((folder / "run.json").read_text()) for folder in (one, other))
    assert {k for k in ours if ours[k] != theirs[k]} <= {*RUN_TIMES, "command"}


def test_two_norms_with_one_seed_start_from_the_same_weights_and_batch(bnlab: Call, tmp_path: Path) -> None:
    """With the norm on the output alone, everything before it must agree at initialization."""
    words = [*SMALL, "placement=output", "norm=none,batch,layer", "seed=0,1", f"output_dir={tmp_path}"]
    bnlab("sweep", *words)
    runs = package.load(tmp_path / "main")
    layers = runs.layers.merge(runs.runs[["run_id", "norm", "seed"]], on="run_id")
    first = layers[(layers["step"] == 0) & (layers["site"] == "units.0.before_act")]
    seen = first.pivot_table(index=["seed", "diagnostic"], columns="norm", values="value")
    assert len(seen) == 8
    assert (seen["batch"] == seen["none"]).all()
    assert (seen["layer"] == seen["none"]).all()
    assert not (seen.loc[0] == seen.loc[1]).any(axis=None)


def test_hydras_own_launcher_still_works(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = bnlab("sweep", *SMALL, "seed=0,1", "hydra/launcher=basic")
    assert (status, err) == (0, "")
    assert out.count("complete") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}, "Hydra wrote something of its own"


LAUNCHERS = {
    "of another package": ("hydra/launcher=own", "_target_: os.system\ncommand: exit"),
    "without a target": ("hydra/launcher=own", "a: 1"),
    "by its target": ("hydra.launcher._target_=os.system", ""),
}


@pytest.mark.parametrize("kind", LAUNCHERS)
def test_what_is_no_launcher_is_one_line(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    word, yaml = LAUNCHERS[kind]
    (tmp_path / "mine/hydra/launcher").mkdir(parents=True)
    (tmp_path / "mine/hydra/launcher/own.yaml").write_text(yaml)
    monkeypatch.setattr(os, "system", lambda _: pytest.fail("it was called"))
    status, out, err = bnlab("sweep", *SMALL, "seed=0,1", "--config-dir", str(tmp_path / "mine"), word)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not an installed launcher" in err


def test_too_few_open_files_are_one_line(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20, 20))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    words = [*SMALL, "seed=0,1,2", f"output_dir={tmp_path}", "launcher=processes", "sweep.workers=2"]
    status, _, err = bnlab("sweep", *words)
    assert (status, err.count("\n")) == (2, 1)
    assert "2 workers need 96 open files, ulimit -n permits 20" in err


def test_a_run_that_another_process_trains_is_come_back_to(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [*SMALL, "seed=0,1", "launcher=serial", f"output_dir={tmp_path}"]
    bnlab("sweep", *words)
    one, other = (path for path in (tmp_path / "main").iterdir() if path.is_dir())
    for folder in (one, other):
        (folder / "run.json").unlink()
        (folder / "checkpoint.pt").unlink()
    with ExitStack() as held:
        held.enter_context(lock(one))

        def sleep(seconds: float) -> None:
            assert not (one / "run.json").exists()
            assert (other / "run.json").exists(), "it waits before everything else is done"
            held.close()

        with monkeypatch.context() as patched:
            patched.setattr("bnlab.sweeps.running.launch.sleep", sleep)
            status, out, _ = bnlab("sweep", *words)
        assert status == 0
        assert "1 left, being trained by other processes: waiting" in out
        assert "2 complete" in out
        held.enter_context(lock(one))
        (one / "run.json").unlink()
        (seed,) = {0, 1} - {json.loads((other / "run.json").read_text())["axes"]["seed"]}
        status, _, err = bnlab("train", *SMALL, f"seed={seed}", f"output_dir={tmp_path}")
        assert status == 2
        assert "another process" in err
