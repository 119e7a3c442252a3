"""Which runs are trained together, and that a pack that was started goes on as it was."""

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from bnlab import cli
from bnlab.runs.lock import lock
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.packing.grouping import Grouping
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from tests.soak.study import assert_equal

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=8", "data.train_size=200", "epochs=2", "checkpoint_seconds=0"]
FOUR = ["sweep", *NET, "seed=0,1", "optim.lr=0.05,0.1", "study=s", "launcher=fused", "output_dir=outputs"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in bnlab catches it."""


@pytest.fixture
def killed(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call `bnlab` and kill it at its n-th row, leaving half a line."""

    def call(fatal: int, *words: str) -> None:
        appended, original = count(), RunWriter.append

        def append(self: RunWriter, table: str, rows: list[dict[str, object]]) -> None:
            if next(appended) == fatal:
                with (self.folder / f"{table}.csv").open("a") as torn:
                    torn.write("17,half a li")
                raise Killed
            original(self, table, rows)

        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(RunWriter, "append", append)
            bnlab(*words)

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Go to a folder below `tmp_path`, and say where its study will be."""

    def go(name: str) -> Path:
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        return tmp_path / name / "outputs" / "s"

    return go


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the study of a sweep that nothing has interrupted; only read."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert cli.main(FOUR) == 0
    return folder / "outputs" / "s"


def records(study: Path) -> list[dict[str, object]]:
    return json.loads((study / "packs.json").read_text())["packs"]


def test_runs_share_a_pack_that_differ_in_seed_and_rates_alone(bnlab: Call, here: Callable[[str], Path]) -> None:
    study = here("a")
    words = ["norm=none,batch", "seed=0,1", "optim.lr=0.1,0.2", "optim.momentum=0,0.9", "data.batch_size=16,32"]
    assert bnlab("sweep", *NET[:-2], "steps=1", *words, "study=s", "launcher=fused", "sweep.pack_size=5")[0] == 0
    packs = records(study)
    assert [len(pack["runs"]) for pack in packs] == [4] * 8, "eight of a kind, in packs of about one size"
    for pack in packs:
        axes = [json.loads((study / run / "run.json").read_text())["axes"] for run in pack["runs"]]
        assert len({(one["norm"], one["data.batch_size"]) for one in axes}) == 1


@pytest.mark.parametrize("fatal", [0, 2, 9, 30, 45])
def test_a_killed_pack_goes_on_as_it_was(
    bnlab: Call, killed: Callable[..., None], undisturbed: Path, here: Callable[[str], Path], fatal: int
) -> None:
    study = here("killed")
    killed(fatal, *FOUR)
    status, _, err = bnlab(*FOUR)
    assert (status, err) == (0, "")
    assert_equal(study, undisturbed)


def test_killed_between_the_ends_of_two_runs(
    bnlab: Call, undisturbed: Path, here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, update = count(), RunWriter.update

    def dying(self: RunWriter, **fields: object) -> None:
        if fields.get("status") == "complete" and next(ended) == 2:
            raise Killed
        update(self, **fields)

    study = here("killed")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(RunWriter, "update", dying)
        bnlab(*FOUR)
    before = {path: path.stat().st_mtime_ns for path in study.glob("*/run.json") if "complete" in path.read_text()}
    assert len(before) == 2
    status, out, _ = bnlab(*FOUR)
    assert status == 0
    assert "2 to train, 2 done already" in out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert_equal(study, undisturbed)


def test_some_runs_of_a_begun_pack_go_on_without_the_others(
    bnlab: Call, killed: Callable[..., None], undisturbed: Path, here: Callable[[str], Path]
) -> None:
    study = here("killed")
    killed(41, *FOUR)
    status, out, _ = bnlab("train", *NET, "seed=1", "optim.lr=0.1", "study=s")
    assert status == 0
    assert "it resumes from step" in out
    alone = Path(out.splitlines()[-1]).name
    assert [len(record["runs"]) for record in records(study)] == [1, 3]
    status, out, _ = bnlab(*FOUR)
    assert status == 0
    assert "of 3 runs was interrupted: it resumes from step" in out
    for folder in (path.parent for path in study.glob("*/run.json")):
        ours, theirs = (json.loads((place / "run.json").read_text()) for place in (folder, undisturbed / folder.name))
        assert ours["metrics"] == pytest.approx(theirs["metrics"], rel=1e-4)
        assert ours["execution"]["executor"] == ("serial" if folder.name == alone else "fused")
    assert list(study.glob("pack_*")) == []


@pytest.mark.parametrize("what", ["checkpoint", "packs.json", "run.json", "config.yaml", "index.csv", "tables"])
def test_garbage_is_recovered_from_or_trained_anew(
    bnlab: Call, killed: Callable[..., None], undisturbed: Path, here: Callable[[str], Path], what: str
) -> None:
    study = here("killed")
    killed(41, *FOUR)
    (pack,) = study.glob("pack_*.pt")
    one = sorted(study.glob("*/run.json"))[0].parent
    says = "it resumes from step"
    if what == "checkpoint":
        pack.write_bytes(pack.read_bytes()[:1000])
        says = "has no usable checkpoint: it restarts from the beginning"
    elif what == "packs.json":
        (study / what).write_text('{"packs": [{"id"')
        says = "packs.json cannot be read"
    elif what == "tables":
        (one / "steps.csv").write_text("step,ep")
        says = "its checkpoint expects"
    else:
        (study / what if what == "index.csv" else one / what).write_text("\0garbage")
    status, out, err = bnlab(*FOUR)
    assert (status, err) == (0, "")
    assert says in out
    assert_equal(study, undisturbed)


def test_a_run_that_was_begun_alone_goes_on_alone(
    bnlab: Call, killed: Callable[..., None], here: Callable[[str], Path]
) -> None:
    study = here("killed")
    killed(6, "train", *NET, "seed=1", "optim.lr=0.1", "study=s")
    (study / "packs.json").unlink()
    status, out, _ = bnlab(*FOUR)
    assert status == 0
    assert "it resumes from step" in out
    assert sorted(len(record["runs"]) for record in records(study)) == [1, 3]


def test_a_pack_that_nobody_has_begun_is_formed_anew_for_another_launcher(
    bnlab: Call, here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = here("a")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Packs, "holds", lambda self, pack: (_ for _ in ()).throw(Killed))
        bnlab(*FOUR[:-2], "launcher=serial")
    assert [len(record["runs"]) for record in records(study)] == [1] * 4
    assert bnlab(*FOUR)[0] == 0
    assert [len(record["runs"]) for record in records(study)] == [4]


def test_a_pack_that_somebody_is_about_to_train_stays(
    bnlab: Call, here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its locks and its first rows, as while it is built, a launch that asks for less leaves it whole."""
    study = here("a")
    begin = Packs.holds

    def meanwhile(self: Packs, pack: Pack) -> bool:
        monkeypatch.setattr(Packs, "holds", begin)
        known = {job.run_id: job for job in pack.jobs}
        other = Grouping(lambda _: 1, lambda _: 1, {"launcher": "serial"})
        before = (study / "packs.json").read_text()
        assert self.form([pack.jobs[1]], known, other, print) == []
        assert self.form(pack.jobs, known, other, print) == [pack]
        assert (study / "packs.json").read_text() == before
        return begin(self, pack)

    monkeypatch.setattr(Packs, "holds", meanwhile)
    assert bnlab(*FOUR)[0] == 0
    assert [len(record["runs"]) for record in records(study)] == [4]


def test_diagnostics_that_a_run_goes_on_with_are_not_those_of_its_whole(
    bnlab: Call, killed: Callable[..., None], here: Callable[[str], Path]
) -> None:
    here("a")
    killed(41, *FOUR, "diagnostics=[light,weight_alignment]")
    assert bnlab(*FOUR)[0] == 0
    assert "4 of those done lack weight_alignment" in bnlab(*FOUR, "diagnostics=[light,weight_alignment]")[1]
    assert "lack" not in bnlab(*FOUR)[1]


@pytest.mark.parametrize("content", [None, "xx"])
def test_the_index_is_made_anew_though_nothing_waits(
    bnlab: Call, here: Callable[[str], Path], content: str | None
) -> None:
    study = here("a")
    bnlab(*FOUR)
    index = study / "index.csv"
    before = index.read_text()
    index.unlink() if content is None else index.write_text(content)
    assert bnlab(*FOUR)[0] == 0
    assert index.read_text() == before


def test_half_written_files_go(bnlab: Call, killed: Callable[..., None], here: Callable[[str], Path]) -> None:
    study = here("a")
    killed(41, *FOUR)
    old, young = study / ".index.csv.bnlab-00000000.tmp", study / ".packs.json.bnlab-00000001.tmp"
    run = sorted(study.glob("*/run.json"))[0].parent
    one = run / ".checkpoint.pt.bnlab-00000002.tmp"
    theirs = [study / ".mine.tmp", run / ".mine.tmp", run / ".checkpoint.pt.tmp", study / ".x.bnlab-00000003.tmp"]
    for path in (old, young, one, *theirs):
        path.touch()
        os.utime(path, (0, 0))
    os.utime(young)
    assert bnlab(*FOUR)[0] == 0
    assert not old.exists()
    assert young.exists(), "another launch may be writing it"
    assert not one.exists()
    assert all(path.exists() for path in theirs), "what bnlab did not create stays"


def test_a_turn_that_nobody_gives_back_is_one_line(
    bnlab: Call, here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = here("a")
    bnlab(*FOUR, "seed=7")
    monkeypatch.setattr("bnlab.runs.shared_lock.PATIENCE", 0.1)
    with lock(study):
        status, _, err = bnlab(*FOUR)
    assert (status, err.count("\n")) == (2, 1)
    assert "is it suspended?" in err


@pytest.mark.parametrize("form", ["list", "torn", "none"])
def test_a_begun_pack_goes_on_whatever_packs_json_has_become(
    bnlab: Call, killed: Callable[..., None], undisturbed: Path, here: Callable[[str], Path], form: str
) -> None:
    study = here("a")
    killed(41, *FOUR)
    path = study / "packs.json"
    if form == "list":
        packs = json.loads(path.read_text())["packs"]
        path.write_text(json.dumps({"packs": [record | {"runs": list(record["runs"])} for record in packs]}))
    else:
        path.unlink() if form == "none" else path.write_text('{"packs": [{"id"')
    status, out, err = bnlab(*FOUR)
    assert (status, err) == (0, "")
    assert "it resumes from step" in out
    for folder in (one.parent for one in undisturbed.glob("*/run.json")):
        assert (
            json.loads((study / folder.name / "run.json").read_text())["metrics"]
            == (json.loads((folder / "run.json").read_text())["metrics"])
        )


def test_what_is_left_of_a_finished_pack_is_removed(bnlab: Call, here: Callable[[str], Path]) -> None:
    study = here("a")
    bnlab(*FOUR)
    (record,) = records(study)
    ours, theirs = (study / f"pack_{name}.pt" for name in (record["id"], "0123456789ab"))
    for path in (ours, theirs):
        path.touch()
    assert bnlab(*FOUR)[0] == 0
    assert not ours.exists()
    assert theirs.exists(), "packs.json does not name it"
