"""`bnlab status DIR --verify`: damage to finished runs is found, and the command that trains them again works."""

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab import cli

Call = Callable[..., tuple[int, str, str]]
NET = [
    "model=cnn",
    "model.width=4",
    "steps=3",
    "data.train_size=128",
    "study=s",
    "diagnostics=[light,feature_maps]",
    "launcher=serial",
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a study of two runs."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert cli.main(["sweep", *NET, "seed=0,1"]) == 0
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the first run of a copy."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(original / "outputs", tmp_path / "outputs")
    return sorted(path.parent for path in tmp_path.glob("outputs/s/*/run.json"))[0]


def flip(path: Path) -> None:
    content, middle = bytearray(path.read_bytes()), path.stat().st_size // 2
    for at in range(max(0, middle - 100), middle + 1):  # torch pads for alignment: a byte may not belong to any file
        content[at] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flip": flip,
    "cut": cut,
    "zero": zero,
    "remove": Path.unlink,
    "fifo": fifo,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["steps.csv", "evals.csv", "sites.csv", "layers.csv", "checkpoint.pt", "arrays"])
def test_it_is_named_and_its_command_mends_it(bnlab: Call, folder: Path, name: str, damage: str) -> None:
    status, out, _ = bnlab("status", "outputs/s", "--verify")
    assert (status, out) == (0, "2 finished runs checked, 0 files damaged\n")
    path = sorted((folder / name).glob("*.npz"))[0] if name == "arrays" else folder / name
    if (name, damage) == ("arrays", "remove"):
        pytest.skip("no record says which pictures a diagnostic has kept")
    DAMAGE[damage](path)
    status, out, err = bnlab("status", "outputs/s", "--verify")
    assert (status, err) == (1, "")
    assert f"damaged: {path.relative_to(Path.cwd())}: " in out
    assert "1 files damaged" in out
    (command,) = (line.strip() for line in out.splitlines() if line.startswith("  bnlab train "))
    if damage == "fifo":
        path.unlink()  # not created by bnlab, which leaves it alone
    status, out, err = bnlab(*shlex.split(command)[1:])
    assert (status, err) == (0, "")
    assert bnlab("status", "outputs/s", "--verify")[0] == 0


def test_runs_of_an_older_bnlab_are_checked_by_their_form(bnlab: Call, folder: Path) -> None:
    info = json.loads((folder / "run.json").read_text())
    del info["checksums"]
    (folder / "run.json").write_text(json.dumps(info))
    status, out, _ = bnlab("status", "outputs/s", "--verify")
    assert status == 0
    assert "1 written by an older bnlab have no checksums" in out
    zero(folder / "steps.csv")
    assert bnlab("status", "outputs/s", "--verify")[0] == 1


def test_waiting_runs_are_dropped_on_request(bnlab: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bnlab.sweeps.packing.packs import Packs

    with monkeypatch.context() as patched:
        patched.setattr(Packs, "holds", lambda self, pack: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bnlab("sweep", *NET, "seed=0,1,2,3")[0] == 130
    for path in folder.parent.iterdir():  # created by an interrupted launch
        if path.is_dir() and not (path / "run.json").exists():
            path.rmdir()
    assert "2 waiting" in bnlab("status", "outputs/s")[1]
    assert bnlab("status", "outputs/s", "--drop-waiting")[1] == "2 planned runs that were not started are dropped\n"
    assert "waiting" not in bnlab("status", "outputs/s")[1]
    assert "4 complete" in bnlab("sweep", *NET, "seed=0,1,2,3")[1]
