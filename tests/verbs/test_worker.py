"""`bnlab worker`: what a folder says is waiting is trained, once, and as it was laid out."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from bnlab import registry
from bnlab.runs.lock import lock
from bnlab.runs.presence import present
from tests.soak.study import assert_equal

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=4", "steps=4", "data.train_size=128", "diagnostics=off"]
GRID = [*NET, "norm=none,batch", "optim.lr=0.1,1", "seed=0,1"]


PLUGIN = """
from bnlab.norms.base import Norm


class Mine(Norm):
    name = "mine"

    def forward(self, x):
        return x * 2
"""


@pytest.fixture
def study(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a study that is laid out."""
    monkeypatch.chdir(tmp_path)
    status, out, err = bnlab("sweep", *GRID, "study=s", "launcher=none")
    assert (status, err) == (0, "")
    first, second = out.splitlines()
    assert first == "8 runs: 8 to train, 0 done already"
    assert second == "8 laid out: bnlab worker outputs/s trains them, on any machine that sees the folder"
    return tmp_path / "outputs/s"


def test_it_trains_what_a_sweep_would(
    bnlab: Call, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(study.glob("*/run.json"))
    assert "8 waiting" in bnlab("status", str(study))[1]
    status, out, err = bnlab("worker", str(study))
    assert (status, err) == (0, "")
    assert "8 runs to train, together with other workers" in out
    assert "8 complete" in bnlab("status", str(study))[1]
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert bnlab("sweep", *GRID, "study=s")[0] == 0
    for name in (study, tmp_path / "other/outputs/s"):  # which options led to the packs is noted, and differs
        content = json.loads((name / "packs.json").read_text())
        plain = [
            {key: value for key, value in pack.items() if key not in ("asked", "alike")} for pack in content["packs"]
        ]
        (name / "packs.json").write_text(json.dumps({"packs": plain}))
    assert_equal(study, tmp_path / "other/outputs/s")
    monkeypatch.chdir(tmp_path)
    assert "0 to train, 8 done already" in bnlab("sweep", *GRID, "study=s")[1]


def test_it_works_from_any_folder_and_in_its_own_way(
    bnlab: Call, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert bnlab("worker", str(study), "launcher=serial", "threads=1")[0] == 0
    executions = [json.loads(path.read_text())["execution"]["executor"] for path in study.glob("*/run.json")]
    assert executions == ["serial"] * 8
    assert not list((tmp_path / "elsewhere").iterdir())


def test_where_nothing_waits_it_says_so(bnlab: Call, study: Path) -> None:
    bnlab("worker", str(study))
    status, out, err = bnlab("worker", str(study))
    assert (status, out.strip(), err) == (0, f"{study}: nothing is waiting (see bnlab status)", "")


def test_interrupted_runs_are_resumed(bnlab: Call, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bnlab.training.loop import Loop

    def dying(self: Loop, update: bool = True) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_measure", dying)
        assert bnlab("worker", str(study))[0] == 130
    assert bnlab("worker", str(study))[0] == 0
    assert "8 complete" in bnlab("status", str(study))[1]


def test_another_version_touches_nothing(bnlab: Call, study: Path) -> None:
    path = study / "packs.json"
    content = json.loads(path.read_text())
    assert set(content["versions"]) == {"bnlab", "torch"}
    content["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    status, out, err = bnlab("worker", str(study))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "was laid out with torch 1.0, and here is 2." in err
    assert path.read_bytes() == before
    assert not list(study.glob("*/run.json"))


def test_other_data_touch_nothing(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)
    plugin = tmp_path / "mine.py"
    text = PLUGIN
    plugin.write_text(text)
    assert bnlab("sweep", *NET, f"plugins=[{plugin}]", "norm=mine", "study=p", "launcher=none")[0] == 0
    plugin.write_text(text.replace("x * 2", "x * 3"))
    status, _, err = bnlab("worker", "outputs/p")
    assert (status, err.count("\n")) == (2, 1)
    assert "of outputs/p would be another run here" in err
    assert "its data, plugins or configs differ" in err
    assert not list((tmp_path / "outputs/p").glob("*/run.json"))


WRONG = {
    "no folder": ((), "takes the folder of one study"),
    "two folders": (("a", "b"), "takes the folder of one study"),
    "not a study": (("nowhere",), "nowhere"),
    "an option of the runs": (("outputs/s", "optim.lr=1"), "optim.lr=1 would change the runs"),
    "a flag": (("outputs/s", "--cfg", "job"), "takes the folder of one study"),
}


@pytest.mark.parametrize("words", WRONG)
def test_mistakes(bnlab: Call, study: Path, words: str) -> None:
    given, said = WRONG[words]
    status, out, err = bnlab("worker", *given)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", *NET, "launcher=none"), "lays out a sweep"),
        (("sweep", *NET, "launcher=none", "optim.lr=interval(0.01,1)"), "lays out a fixed grid"),
        (("sweep", *NET, "launcher=none", "rerun=true"), "rerun=true trains finished ones again"),
        (("study", "mistakes", "launcher=none", "scale=smoke"), "lays out a fixed grid"),
        (("study", "mistakes", "launcher=none", "scale=smoke", "sweep.looks=null"), "claims need results"),
    ],
)
def test_what_cannot_be_laid_out(bnlab: Call, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    status, _, err = bnlab(*words, f"output_dir={tmp_path}")
    assert (status, err.count("\n")) == (2, 1)
    assert said in err
    assert not list(tmp_path.rglob("run.json"))


def test_runs_of_another_worker_are_left_to_it(bnlab: Call, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A living process on another machine: the worker trains the others, and then waits."""
    from bnlab.sweeps.running import work

    def enough(_: float) -> None:
        raise KeyboardInterrupt

    names = sorted(name for pack in json.loads((study / "packs.json").read_text())["packs"] for name in pack["runs"])
    monkeypatch.setattr(work, "sleep", enough)
    with lock(study / names[0]):
        status, out, _ = bnlab("worker", str(study), "launcher=serial")
    assert status == 130
    assert "1 left, being trained by other processes: waiting for them" in out
    assert "7 complete" in bnlab("status", str(study))[1]


def test_runs_are_divided_among_those_at_work(bnlab: Call, study: Path) -> None:
    """Another worker, which trains nothing: this one takes smaller packs, down to single runs."""
    with present(study, 1):
        assert bnlab("worker", str(study), "launcher=fused")[0] == 0
    packs = json.loads((study / "packs.json").read_text())["packs"]
    sizes = sorted(len(pack["runs"]) for pack in packs)
    assert sizes in ([1, 1, 2, 2, 2], [1, 1, 1, 1, 2, 2])  # by the order in which the two norms are divided
    together = sorted(json.loads(path.read_text())["execution"]["runs"] for path in study.glob("*/run.json"))
    assert together == [size for size in sizes for _ in range(size)]
    assert "8 complete" in bnlab("status", str(study))[1]


def test_a_sweep_beside_a_worker_keeps_its_division(bnlab: Call, study: Path) -> None:
    path = study / "packs.json"
    with present(study, 1):
        with patch("bnlab.sweeps.running.runner.Runner.attempt", side_effect=KeyboardInterrupt):
            assert bnlab("worker", str(study), "launcher=fused")[0] == 130
        divided = json.loads(path.read_text())["packs"]
        assert any("among" in pack["asked"] for pack in divided)
        assert bnlab("sweep", *GRID, "study=s", "launcher=fused")[0] == 0
        kept = {pack["id"] for pack in json.loads(path.read_text())["packs"]}
    assert {pack["id"] for pack in divided if "among" in pack["asked"]} <= kept
    assert "8 complete" in bnlab("status", str(study))[1]


def test_training_one_run_of_a_waiting_pack_loses_no_other(bnlab: Call, study: Path) -> None:
    with patch("bnlab.sweeps.running.runner.Runner.attempt", side_effect=KeyboardInterrupt):
        assert bnlab("worker", str(study), "launcher=fused")[0] == 130
    pack = next(pack for pack in json.loads((study / "packs.json").read_text())["packs"] if len(pack["runs"]) > 1)
    words = shlex.split(next(iter(pack["runs"].values())))[1:]
    assert bnlab(*(word for word in words if word != "launcher=none"))[0] == 0
    status = bnlab("status", str(study))[1]
    assert "1 complete" in status
    assert "7 waiting" in status
    assert bnlab("worker", str(study))[0] == 0
    assert "8 complete" in bnlab("status", str(study))[1]
