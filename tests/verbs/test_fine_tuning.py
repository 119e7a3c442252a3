"""init_from and freeze."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bnlab import cli
from bnlab.training.checkpoint import digest

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=2", "model.width=8", "norm=batch", "diagnostics=off"]
OTHER = ["data=gaussian", "data.shape=[1,8,8]", "data.classes=4", "data.n_train=300", "data.n_test=50", "steps=5"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("original")
    assert cli.main(["train", *NET, "epochs=2", f"output_dir={folder}", "study=source"]) == 0
    (info,) = folder.glob("source/*/run.json")
    return info.parent


@pytest.fixture
def trained(original: Path, tmp_path: Path) -> Path:
    """Return the folder of a copy of it."""
    return Path(shutil.copytree(original.parent, tmp_path / "source")) / original.name


def run(bnlab: Call, tmp_path: Path, *words: str) -> Path:
    status, out, err = bnlab("train", *NET, *words, f"output_dir={tmp_path}", "study=target")
    assert (status, err) == (0, "")
    return Path(out.splitlines()[-1])


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    payload = torch.load(folder / "checkpoint.pt", weights_only=True)
    return payload["params"] | payload["buffers"]


def first_loss(folder: Path) -> float:
    return float((folder / "steps.csv").read_text().splitlines()[1].split(",")[4])


def test_it_begins_with_the_weights_and_the_statistics(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    tuned = run(bnlab, tmp_path, f"init_from={trained}", "steps=1", "optim.lr=1e-30")
    before, after = tensors(trained), tensors(tuned)
    for name, tensor in before.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(after[name], tensor, rtol=0, atol=0)
    assert after["units.0.before_act.norm.num_batches_tracked"] == (
        before["units.0.before_act.norm.num_batches_tracked"] + 1
    )
    scratch = run(bnlab, tmp_path, "steps=1", "optim.lr=1e-30")
    assert first_loss(tuned) < 0.5 * first_loss(scratch)


def test_the_head_is_new_where_the_classes_differ(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    tuned = run(bnlab, tmp_path, f"init_from={trained}", *OTHER)
    assert tensors(trained)["head.weight.weight"].shape == (10, 8)
    assert tensors(tuned)["head.weight.weight"].shape == (4, 8)


def test_what_is_frozen_is_bit_unchanged(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    words = [f"init_from={trained}", "freeze=[units.0.*]", "statistics.freeze=both", "optim.momentum=0.9"]
    before, after = tensors(trained), tensors(run(bnlab, tmp_path, *words, "epochs=1"))
    for name, tensor in before.items():
        if name.startswith("units.0.") or ".norm." in name:
            assert torch.equal(after[name], tensor), name
    assert not torch.equal(after["units.1.weight.weight"], before["units.1.weight.weight"])
    assert not torch.equal(after["head.weight.weight"], before["head.weight.weight"])


@pytest.mark.parametrize("killed_at", [9, 10, 11, 25])
def test_a_frozen_run_resumes(
    bnlab: Call, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    words = [f"init_from={trained}", "freeze=[units.0.*]", "statistics.freeze=both", "statistics.freeze_from=10"]
    whole = tensors(run(bnlab, tmp_path / "whole", *words, "epochs=2"))
    from bnlab.training.loop import Loop

    measure = Loop._measure

    def dying(self: Loop, update: bool = True) -> None:
        if self._state.step == killed_at:
            raise KeyboardInterrupt
        measure(self, update)

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_measure", dying)
        target = [*NET, *words, "epochs=2", f"output_dir={tmp_path / 'part'}", "study=target", "checkpoint_seconds=0"]
        assert bnlab("train", *target)[0] == 130
    out = bnlab("train", *target)[1]
    assert f"from step {killed_at}" in out
    assert "anew" not in out
    resumed = tensors(Path(out.splitlines()[-1]))
    for name, tensor in whole.items():
        assert torch.equal(resumed[name], tensor), name


def test_the_origin_is_part_of_the_identity_and_its_place_is_not(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("run.json", "checkpoint.pt"):
        (copy / name).write_bytes((trained / name).read_bytes())
    other = Path(bnlab("train", *NET, "epochs=1", f"output_dir={tmp_path}", "study=source")[1].splitlines()[-1])
    ids = [run(bnlab, tmp_path, f"init_from={place}", "steps=2").name for place in (trained, copy, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["init_from=nowhere"], "does not exist"),
        (["init_from=."], "holds no run.json"),
        (["init_from={trained}/checkpoint.pt"], "is a file: name its run's folder"),
        (["init_from={trained}", "model.depth=1"], "this net has no units.1"),
        (["init_from={trained}", "model.width=9"], "units.0.weight"),
        (["init_from={trained}", "model.depth=3"], "units.2"),
        (["init_from={trained}", "model=cnn"], "give both nets"),
        (["freeze=[unit.0.*]"], "matches no parameter"),
        (["freeze=['*']"], "nothing is left"),
    ],
)
def test_what_does_not_fit_gives_one_line(
    bnlab: Call, tmp_path: Path, trained: Path, words: list[str], says: str
) -> None:
    given = [word.format(trained=trained) for word in words]
    net = [word for word in NET if word.split("=")[0] not in {g.split("=")[0] for g in given}]
    if "model=cnn" in given:
        net = [word for word in net if not word.startswith("model.")]
    status, _, err = bnlab("train", *net, *given, f"output_dir={tmp_path}", "study=target")
    assert (status, err.count("\n")) == (2, 1), err
    assert says in err
    assert not list((tmp_path / "target").glob("*/run.json"))


def test_a_damaged_origin_gives_one_line(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    (trained / "checkpoint.pt").write_bytes(b"garbage")
    status, _, err = bnlab("train", *NET, f"init_from={trained}", f"output_dir={tmp_path}", "study=target")
    assert (status, err.count("\n")) == (2, 1)
    assert json.loads((trained / "run.json").read_text())["status"] == "complete"


def words_of(trained: Path, *words: str) -> list[str]:
    return ["train", *NET, f"init_from={trained}", *words, f"output_dir={trained.parents[1]}", "study=target"]


def written(trained: Path, **keys: object) -> None:
    info = json.loads((trained / "run.json").read_text())
    (trained / "run.json").write_text(json.dumps(info | keys))


@pytest.mark.parametrize("status", ["running", "failed", "diverged", "refused"])
def test_only_a_complete_run_is_an_origin(bnlab: Call, tmp_path: Path, trained: Path, status: str) -> None:
    written(trained, status=status)
    called = bnlab(*words_of(trained, "steps=2"))
    assert (called[0], called[2].count("\n")) == (2, 1)
    assert f"init_from={trained}: that run is {'unfinished' if status == 'running' else status}" in called[2]
    assert not (tmp_path / "target").exists()


def test_an_interrupted_origin_is_refused_and_named_with_the_command_that_finishes_it(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bnlab.training.loop import Loop

    measure = Loop._measure

    def dying(self: Loop, update: bool = True) -> None:
        if self._state.step == 15:
            raise KeyboardInterrupt
        measure(self, update)

    source = ["train", *NET, "epochs=2", f"output_dir={tmp_path}", "study=source"]
    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_measure", dying)
        assert bnlab(*source, "checkpoint_seconds=0")[0] == 130
    (folder,) = (path.parent for path in tmp_path.glob("source/*/run.json"))
    _, _, err = bnlab(*words_of(folder, "steps=2"))
    assert "that run is unfinished: finish it first, with bnlab train" in err
    assert bnlab(*source)[0] == 0
    assert bnlab(*words_of(folder, "steps=2"))[0] == 0


def test_the_identity_holds_the_weights_that_were_loaded(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    first = run(bnlab, tmp_path, f"init_from={trained}", "steps=2").name
    payload = torch.load(trained / "checkpoint.pt", weights_only=True)
    payload["params"]["head.weight.weight"] += 1
    torch.save(payload, trained / "checkpoint.pt")
    status, _, err = bnlab(*words_of(trained, "steps=3"))
    assert (status, err.count("\n")) == (2, 1)
    assert "differs from the weights in its run.json" in err
    sums = json.loads((trained / "run.json").read_text())["checksums"]
    written(trained, checksums=sums | {"weights": digest(payload)})
    assert run(bnlab, tmp_path, f"init_from={trained}", "steps=2").name != first


ODD = {
    "no checkpoint of ours": [1, 2],
    "empty": {},
    "no params": {"lengths": {}},
    "params as a list": {"params": []},
    "params of words": {"params": {"head.weight.weight": "x"}},
    "buffers as null": {"buffers": None},
    "step as a word": {"step": "x"},
    "not finished": {"finished": False},
    "finished as a word": {"finished": "yes"},
    "slots as a list": {"slots": []},
    "slots of words": {"slots": {"velocity": "x"}},
}


@pytest.mark.parametrize("odd", ODD)
def test_a_malformed_origin_gives_one_line(bnlab: Call, tmp_path: Path, trained: Path, odd: str) -> None:
    payload = torch.load(trained / "checkpoint.pt", weights_only=True)
    changed = ODD[odd]
    torch.save(
        payload | changed if isinstance(changed, dict) and changed and odd != "no params" else changed,
        trained / "checkpoint.pt",
    )
    status, _, err = bnlab(*words_of(trained, "steps=2"))
    assert (status, err.count("\n")) == (2, 1), err
    assert f"init_from={trained}" in err
    assert not list((tmp_path / "target").glob("*/run.json"))


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an empty folder": (Path.mkdir, "holds no run.json: name a run's folder"),
    "a file": (Path.touch, "is a file: name its run's folder"),
    "a FIFO": (os.mkfifo, "holds no run.json"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "holds no run.json: name a run's folder"),
    "nothing": (lambda path: None, "does not exist: name a run's folder"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_run_is_one_line(bnlab: Call, tmp_path: Path, place: str) -> None:
    make, says = PLACES[place]
    make(tmp_path / "place")
    status, out, err = bnlab("train", *NET, f"init_from={tmp_path / 'place'}", f"output_dir={tmp_path}", "study=target")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_run_without_its_checkpoint_is_one_line(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    (trained / "checkpoint.pt").unlink()
    status, _, err = bnlab(*words_of(trained))
    assert (status, err.count("\n")) == (2, 1)
    assert "holds no checkpoint.pt" in err


def test_what_the_source_lacks_is_named(bnlab: Call, tmp_path: Path, trained: Path) -> None:
    words = [word for word in NET if not word.startswith("norm=")]
    status, out, err = bnlab(
        "train", *words, "norm=layer", f"init_from={trained}", "steps=2", f"output_dir={tmp_path}", "study=target"
    )
    assert (status, err) == (0, "")
    assert f"{trained} lacks" not in out  # weight and bias are transferred from one norm to the other
    out = bnlab("train", *words, "norm=none", "steps=2", f"output_dir={tmp_path}", "study=source")[1]
    plain = out.splitlines()[-1]
    _, out, _ = bnlab("train", *NET, f"init_from={plain}", "steps=2", f"output_dir={tmp_path}", "study=target")
    assert f"init_from={plain} lacks units.0.before_act.norm.weight, " in out
    assert "10 tensors keep their new initial values" in out
