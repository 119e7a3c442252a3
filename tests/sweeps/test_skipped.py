"""Folders that a sweep must not touch: it names them, trains the other runs, and writes nothing that is not its own."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab import cli

Call = Callable[..., tuple[int, str, str]]
NET = [
    "model.depth=1",
    "model.width=4",
    "steps=3",
    "data.train_size=128",
    "study=s",
    "launcher=serial",
    "diagnostics=off",
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with three runs, seeds 0 to 2."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert cli.main(["sweep", *NET, "seed=0,1,2"]) == 0
    return folder / "outputs/s"


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, of which one run will be damaged."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(original, tmp_path / "outputs/s"))


def one(study: Path) -> Path:
    """The folder of seed 1."""
    return next(path.parent for path in study.glob("*/run.json") if json.loads(path.read_text())["axes"]["seed"] == 1)


def change(**keys: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    return write


def replace(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
        make(path)

    return work


def link(path: Path) -> None:
    target = path.parents[3] / "target"
    target.write_text("the user's")
    path.symlink_to(target)


def torn(folder: Path) -> None:
    (folder / "run.json").write_text("{")
    (folder / "checkpoint.pt").unlink()


def link_for_folder(folder: Path) -> None:
    moved = folder.parents[2] / "moved"
    folder.rename(moved)
    folder.symlink_to(moved)


def file_for_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in its place")


def unfinished(work: Callable[[Path], None]) -> Callable[[Path], None]:
    """Damage a run that a sweep would go on with."""

    def both(folder: Path) -> None:
        change(status="running")(folder)
        work(folder)

    return both


DAMAGE: dict[str, Callable[[Path], object]] = {
    "metrics that are words": change(metrics={"val_accuracy": "good"}),
    "versions that are a list": change(versions=[1]),
    "a command that is a number": change(command=7),
    "an unclosed quote": change(command="bnlab train 'x"),
    "a rate of 0": change(axes={"optim.lr": 0}),
    "a seed of 40 digits": change(axes={"seed": 10**39}),
    "no axes": change(axes=None),
    "an odd status": change(status="done"),
    "a run_id that leads elsewhere": change(run_id="../other"),
    "a later schema": change(schema=99),
    "the run.json of another run": lambda folder: shutil.copy(
        next(path for path in folder.parent.glob("*/run.json") if path.parent != folder), folder / "run.json"
    ),
    "nested 10,000 times": replace("run.json", lambda path: path.write_text("[" * 10_000 + "]" * 10_000)),
    "1e999": replace(
        "run.json", lambda path: path.write_text('{"run_id": "a", "status": "complete", "axes": {"x": 1e999}}')
    ),
    "a list": replace("run.json", lambda path: path.write_text("[]")),
    "torn, and no checkpoint": torn,
    "a FIFO for run.json": replace("run.json", os.mkfifo),
    "a folder for run.json": replace("run.json", Path.mkdir),
    "a link for run.json": replace("run.json", link),
    "a link to a device": replace("run.json", lambda path: path.symlink_to("/dev/zero")),
    "a link for .lock": unfinished(replace(".lock", link)),
    "a FIFO for .lock": unfinished(replace(".lock", os.mkfifo)),
    "a link for steps.csv": unfinished(replace("steps.csv", link)),
    "a link for log.txt": unfinished(replace("log.txt", link)),
    "a FIFO for evals.csv": unfinished(replace("evals.csv", os.mkfifo)),
    "a folder for checkpoint.pt": unfinished(replace("checkpoint.pt", Path.mkdir)),
    "a link for arrays": unfinished(replace("arrays", link)),
    "a file for the folder": file_for_folder,
    "a link for the folder": unfinished(link_for_folder),
}


def content(folder: Path) -> dict[str, bytes | str]:
    """Everything in a folder, links and other oddities by their kind."""
    found: dict[str, bytes | str] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder" if path.is_dir() else "special"
    return found


@pytest.mark.parametrize("damage", DAMAGE)
def test_it_is_named_and_skipped_and_the_others_train(bnlab: Call, study: Path, damage: str) -> None:
    folder = one(study)
    DAMAGE[damage](folder)
    target, moved = study.parents[1] / "target", study.parents[1] / "moved"
    before, elsewhere = content(folder), content(moved) if moved.exists() else {}
    status, out, err = bnlab("sweep", *NET, "seed=0,1,2,3")
    assert (status, err) == (1, ""), out
    assert out.count("skipped: ") == 1
    assert folder.name in out
    assert "3 complete" in out
    assert "Traceback" not in out
    assert content(folder) == before
    assert not target.exists() or target.read_text() == "the user's"
    assert elsewhere == (content(moved) if moved.exists() else {})
    status, out, err = bnlab("sweep", *NET, "seed=1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert folder.name in err
    status, out, err = bnlab("train", *[word for word in NET if word != "launcher=serial"], "seed=1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert bnlab("plan", *NET, "seed=0,1,2,3")[0] == 0
    status, out, err = bnlab("status", "outputs/s")
    assert (status, err) == (0, "")
    assert content(folder) == before


THEIRS = [
    "launch_notes/notes.txt",
    "launch_host_1/notes.txt",
    "pack_mine.pt",
    "pack_0123456789ab.pt",
    ".x.tmp",
    "notes.txt",
    "report/notes.txt",
    ".packs.json.tmp",
]


@pytest.mark.parametrize("launcher", ["serial", "fused", "processes"])
def test_what_a_sweep_has_not_made_stays(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in THEIRS:
        path = tmp_path / "outputs/s" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the user's")
        os.utime(path, (0, 0))
    net = [word for word in NET if not word.startswith("launcher=")]
    for seeds in ("seed=0,1", "seed=0,1,2"):
        assert bnlab("sweep", *net, seeds, f"launcher={launcher}", "sweep.workers=null")[0] == 0
    for name in THEIRS:
        assert (tmp_path / "outputs/s" / name).read_text() == "the user's"


@pytest.mark.parametrize("name", [".lock", ".index.lock", "packs.json", "index.csv", ".rerun.json"])
def test_nothing_of_a_study_is_written_through_a_link(bnlab: Call, study: Path, name: str) -> None:
    target = study.parents[1] / "target"
    target.write_text("the user's")
    (study / name).unlink(missing_ok=True)
    (study / name).symlink_to(target)
    status, _, err = bnlab("sweep", *NET, "seed=0,3", "rerun=true")
    assert "Traceback" not in err
    if status != 0:  # index.csv is derived: the link is replaced
        assert (status, err.count("\n")) == (2, 1), err
        assert f"{name} cannot be written (a link" in err
    assert target.read_text() == "the user's"


def test_a_run_that_trains_elsewhere_makes_a_copy_of_its_study_wait_for_nobody(bnlab: Call, study: Path) -> None:
    from bnlab.runs.lock import lock

    folder = one(study)
    change(status="running")(folder)
    with lock(folder):
        shutil.copytree(study, study.parent / "copy")
        status, out, _ = bnlab("status", "outputs/copy")
        assert (status, "1 interrupted" in out) == (0, True)
        net = [word for word in NET if not word.startswith("study=")]
        status, out, _ = bnlab("sweep", *net, "study=copy", "seed=0,1,2")
        assert (status, "3 complete" in out) == (0, True), out


@pytest.mark.parametrize("launcher", ["serial", "fused"])
def test_a_folder_that_is_removed_while_its_run_trains_is_named(
    bnlab: Call, study: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    from bnlab.training.loop import Loop

    run, removed = Loop.run, []

    def removing(self: Loop) -> Any:
        if not removed:
            removed.append(
                next(path.parent for path in study.glob("*/run.json") if '"status": "running"' in path.read_text())
            )
            shutil.rmtree(removed[0])
        return run(self)

    monkeypatch.setattr(Loop, "run", removing)
    net = [word for word in NET if not word.startswith("launcher=")]
    status, out, err = bnlab("sweep", *net, "seed=4,5", f"launcher={launcher}")
    assert (status, err) == (1, ""), out
    assert f"skipped: {removed[0].relative_to(Path.cwd())} was removed while its run trained" in out
    assert "Traceback" not in out
    assert "1 complete" in out
    status, out, err = bnlab("sweep", *net, "seed=4,5", f"launcher={launcher}")
    assert (status, err, "2 complete" in out) == (0, "", True)


@pytest.mark.parametrize("launcher", ["serial", "fused"])
def test_a_folder_that_becomes_read_only_while_its_run_trains_is_skipped(
    bnlab: Call, study: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    from bnlab.sweeps.running.recorder import FolderRecorder

    access, keep, locked = os.access, FolderRecorder.checkpoint, list[Path]()

    def refusing(self: FolderRecorder, payload: dict[str, Any]) -> None:
        if not locked:
            locked.append(self._folder.folder)
            raise PermissionError(errno.EACCES, "Permission denied", str(locked[0] / "steps.csv"))
        keep(self, payload)

    monkeypatch.setattr(FolderRecorder, "checkpoint", refusing)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in locked and access(path, mode))
    net = [word for word in NET if not word.startswith("launcher=")]
    status, out, err = bnlab("sweep", *net, "seed=4,5", f"launcher={launcher}")
    assert (status, err) == (1, ""), out
    assert f"skipped: {locked[0]} cannot be written (Permission denied)" in out
    assert "1 complete" in out


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_stands_for_the_index_is_named_before_training(bnlab: Call, study: Path, make: Callable[..., Any]) -> None:
    (study / "index.csv").unlink()
    make(study / "index.csv")
    status, out, err = bnlab("sweep", *NET, "seed=0,3")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "index.csv cannot be written" in err


def test_a_run_json_that_is_written_again_is_named(bnlab: Call, study: Path) -> None:
    (one(study) / "run.json").write_text("{")
    status, out, err = bnlab("sweep", *NET, "seed=0,1,2")
    assert (status, err) == (0, "")
    assert re.search(r"run\.json cannot be read \(.*\): it is rewritten from the checkpoint", out), out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_run_json_saved_by_an_editor_stays(bnlab: Call, study: Path, encoding: str) -> None:
    path = one(study) / "run.json"
    path.write_text(path.read_text(), encoding=encoding)
    before = path.read_bytes()
    status, out, err = bnlab("sweep", *NET, "seed=0,1,2,3")
    assert (status, "1 complete" in out or "4 complete" in out) == (int(encoding == "utf-16"), True), out + err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ["data.val_size=0.9999"],
        ["freeze=[nothing]"],
        ["norm=batch", "data.batch_size=1"],
        ["norm=group", "norm.groups=3"],
    ],
)
def test_a_refused_run_leaves_nothing(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = bnlab("train", "steps=2", *words)
    assert (status, err.count("\n")) == (2, 1)
    assert not [path for path in tmp_path.rglob("*") if path.name != "outputs"]
