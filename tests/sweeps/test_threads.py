"""The threads that a run asks for: bounded, and not frozen before it is started."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.sweeps.packing.packs import Packs

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=4", "steps=3", "data.train_size=128", "study=s", "diagnostics=off"]


@pytest.mark.parametrize("threads", ["0", "-1", "1025", "100000", "1.5", "true", "many", str(10**30)])
@pytest.mark.parametrize("verb", ["train", "sweep"])
def test_odd_numbers_are_one_line(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, threads: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = bnlab(verb, *NET, f"threads={threads}")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "threads=" in err
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("verb", ["train", "sweep"])
def test_what_is_asked_for_now_holds_for_what_is_not_begun(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Packs, "holds", lambda self, pack: (_ for _ in ()).throw(KeyboardInterrupt))
        assert bnlab(verb, *NET, "threads=2")[0] == 130
    packs = tmp_path / "outputs/s/packs.json"
    assert [record["threads"] for record in json.loads(packs.read_text())["packs"]] == [2]
    assert bnlab(verb, *NET, "threads=1")[0] == 0
    (info,) = (json.loads(path.read_text()) for path in packs.parent.glob("*/run.json"))
    assert info["execution"]["threads"] == 1


def test_an_older_packs_json_with_too_many_is_written_anew(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bnlab("sweep", *NET, "seed=0")[0] == 0
    packs = tmp_path / "outputs/s/packs.json"
    packs.write_text(packs.read_text().replace('"threads": 1,', '"threads": 100000,', 1))
    status, out, _ = bnlab("sweep", *NET, "seed=0,1", "threads=1")
    assert (status, "packs.json cannot be read (packs.0.threads" in out) == (0, True)
    assert "2 complete" in out
