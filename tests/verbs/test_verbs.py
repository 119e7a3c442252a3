"""The verbs, called in process."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab import cli
from bnlab.config.folder import conf_dir

Call = Callable[..., tuple[int, str, str]]
SMALL = ["model.depth=1", "model.width=8", "epochs=1", "data.train_size=200"]


@pytest.mark.parametrize("verb", [None, *cli.VERBS])
def test_help(bnlab: Call, verb: str | None) -> None:
    status, out, err = bnlab(*([verb] if verb else []), "--help")
    assert (status, err) == (0, "")
    assert "usage: bnlab" in out
    assert max(map(len, out.splitlines())) <= 120


def test_version(bnlab: Call) -> None:
    assert bnlab("--version")[1].startswith("bnlab 0")


def test_train_says_how_it_ended_and_where_it_lies(bnlab: Call, tmp_path: Path) -> None:
    status, out, err = bnlab("train", *SMALL, f"output_dir={tmp_path}")
    assert (status, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("complete: val accuracy 0.")
    assert (Path(second) / "run.json").exists()
    assert {path.name for path in Path(second).iterdir()} == {
        "config.yaml", "run.json", "steps.csv", "evals.csv", "sites.csv", "layers.csv", "histograms.csv",
        "checkpoint.pt", "log.txt",
    }  # fmt: skip
    started, ended = (Path(second) / "log.txt").read_text().splitlines()
    assert started.startswith("started: bnlab train model.depth=1")
    assert ended == "complete"


def test_a_fault_shows_its_traceback_and_fails(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("bnlab.config.assembly.make_step", fault)
    status, out, err = bnlab("train", *SMALL, f"output_dir={tmp_path}")
    assert status == 1
    assert "Traceback" in err
    assert "failed: ZeroDivisionError: a fault" in out


def test_diverging_is_a_result(bnlab: Call, tmp_path: Path) -> None:
    status, out, _ = bnlab("train", *SMALL, "norm=none", "optim.lr=1e30", "epochs=20", f"output_dir={tmp_path}")
    assert status == 0
    assert out.startswith("diverged: the loss left all bounds at step")


def test_an_option_given_twice_is_said(bnlab: Call, tmp_path: Path) -> None:
    status, _, err = bnlab("train", *SMALL, "norm=batch", "norm=layer", "seed=1", "seed=1", f"output_dir={tmp_path}")
    assert status == 0
    assert err == "bnlab: norm is given twice: norm=layer is used (`bnlab sweep norm=batch,layer` trains both)\n"
    (info,) = tmp_path.glob("main/*/run.json")
    assert json.loads(info.read_text())["axes"]["norm"] == "layer"


def test_interrupted(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("bnlab.training.loop.Loop.run", interrupt)
        status, _, err = bnlab("train", *SMALL, f"output_dir={tmp_path}")
    assert status == 130
    assert "the same command resumes where it stopped" in err
    status, out, _ = bnlab("train", *SMALL, f"output_dir={tmp_path}")
    assert status == 0
    assert "complete" in out


def test_rerun_trains_again(bnlab: Call, tmp_path: Path) -> None:
    bnlab("train", *SMALL, f"output_dir={tmp_path}")
    assert "done already" in bnlab("train", *SMALL, f"output_dir={tmp_path}")[1]
    assert "done already" not in bnlab("train", *SMALL, "rerun=true", f"output_dir={tmp_path}")[1]


def test_a_norm_on_the_output_is_warned_of(bnlab: Call, tmp_path: Path) -> None:
    assert "warning" in bnlab("train", *SMALL, "placement=output", f"output_dir={tmp_path}")[1]
    assert "warning" not in bnlab("train", *SMALL, f"output_dir={tmp_path}")[1]


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_precision(bnlab: Call, tmp_path: Path, precision: str) -> None:
    status, out, _ = bnlab("train", *SMALL, f"precision={precision}", f"output_dir={tmp_path}")
    assert status == 0
    assert out.startswith("complete: val accuracy 0.")


@pytest.mark.parametrize("schedule", [p.stem for p in sorted((conf_dir() / "schedule").glob("[!_]*.yaml"))])
def test_every_schedule_trains(bnlab: Call, tmp_path: Path, schedule: str) -> None:
    status, out, _ = bnlab("train", *SMALL, f"schedule={schedule}", "schedule.warmup=0.1", f"output_dir={tmp_path}")
    assert status == 0
    assert "complete" in out


def test_regression(bnlab: Call, tmp_path: Path) -> None:
    status, out, _ = bnlab(
        "train", *SMALL[:3], "data=gaussian", "data.task=regression", "data.outputs=2", "data.noise=0.1",
        "data.n_train=500", "epochs=5", "optim.lr=0.01", f"output_dir={tmp_path}",
    )  # fmt: skip
    assert status == 0
    assert out.startswith("complete: val loss")


def test_show_prints_the_layers_in_order(bnlab: Call) -> None:
    status, out, err = bnlab("show", "model=cnn", "model.depth=2", "norm=group", "placement=after_act")
    assert (status, err) == (0, "")
    rows = [line.split()[0] for line in out.splitlines()[2:]]
    assert rows[:4] == ["units.0.weight", "units.0.before_act", "units.0.act", "units.0.after_act"]
    assert rows[-1] == "head.output"
    assert "group" in out
    assert "after_act" in out.splitlines()[0]


def test_list_names_everything(bnlab: Call) -> None:
    everything = json.loads(bnlab("list", "--json")[1])
    for group in conf_dir().iterdir():
        if group.is_dir():
            assert set(everything[group.name]) == {p.stem for p in group.glob("*.yaml") if p.name[0] != "_"}
    for group, names in everything.items():
        assert all(line for line in names.values()), group
        _, out, _ = bnlab("list", group)
        if group != "diagnostics":  # which say more, see test_list.py
            assert len(out.splitlines()) == len(names)
        assert group in bnlab("list")[1]


def test_own_configs(bnlab: Call, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "norm").mkdir(parents=True)
    (mine / "norm" / "slow.yaml").write_text(
        "# batch norm that remembers long\n"
        "name: batch\neps: 1.0e-5\nmomentum: 0.01\naffine: true\ntrack_running_stats: true\nsync: true\n"
    )
    status, out, err = bnlab("train", "--config-dir", str(mine), "norm=slow", *SMALL, f"output_dir={tmp_path}")
    assert (status, err) == (0, "")
    (info,) = tmp_path.glob("main/*/run.json")
    described = json.loads(info.read_text())
    assert described["axes"]["norm.momentum"] == 0.01
    assert f"--config-dir {mine}" in described["command"]
    assert "slow" in bnlab("list", "norm", "--config-dir", str(mine))[1]
    del out


def test_cfg_prints_the_config_and_trains_nothing(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for verb in ("train", "sweep"):
        status, out, _ = bnlab(verb, "norm=layer", "--cfg", "job")
        assert status == 0
        assert "name: layer" in out
    assert not list(tmp_path.iterdir())


def test_tab_completion(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        status, out, _ = bnlab("-sc", "query=bash")
        assert status == 0
        return out.split()

    assert set(complete("bnlab ")) == set(cli.VERBS)
    assert "norm=layer" in complete("bnlab train norm=la")
    assert "optim.lr=" in complete("bnlab sweep norm=batch optim.l")
    assert complete("bnlab report ") == []


def test_image_folder_trains_a_cnn(bnlab: Call, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 180)):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for n in range(40):
            pixels = draw.normal(level, 20, size=(12, 10, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{n}.png")
    status, out, err = bnlab(
        "train", "data=image_folder", f"data.root={tmp_path / 'pictures'}", "data.size=8", "model=cnn", "model.depth=2",
        "model.width=4", "data.batch_size=8", "epochs=5", f"output_dir={tmp_path}",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "test accuracy 1.0000" in out
