"""Sweeps that choose their own runs: searched rates, and looks at claims."""

import math
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bnlab import cli
from bnlab.runs.reader import load
from bnlab.studies.record import read

pytestmark = pytest.mark.usefixtures("one_figure")

Call = Callable[..., Any]
TINY = ["model.depth=1", "model.width=4", "steps=4", "diagnostics=off", "data.train_size=128", "data.val_size=64"]
SEARCH = ["sweep", "norm=none,batch", "optim.lr=interval(1e-3,1e4)", "search.runs=20", "study=s", *TINY]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a search, and its output."""
    folder, out, err = tmp_path_factory.mktemp("original"), StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        patched.setenv("COLUMNS", "200")
        assert cli.main([*SEARCH, f"output_dir={folder}"]) == 0
    assert err.getvalue() == ""
    return folder, out.getvalue()


@pytest.fixture
def searched(original: tuple[Path, str], tmp_path: Path) -> None:
    """Copy the search to `tmp_path`."""
    shutil.copytree(original[0], tmp_path, dirs_exist_ok=True)


def test_a_search_chooses_rates_for_each_condition(original: tuple[Path, str]) -> None:
    folder, out = original
    infos = load(folder / "s").infos.values()
    for norm in ("none", "batch"):
        mine = [info["axes"] for info in infos if info["axes"]["norm"] == norm]
        assert len(mine) == 20
        assert sorted(axes["seed"] for axes in mine) == list(range(20))
        rates = [axes["optim.lr"] for axes in mine]
        assert (min(rates), max(rates)) == (0.001, 10000)
    assert "norm=batch: critical lr" in out
    assert "20 runs" in out


def test_the_same_command_trains_nothing_again(bnlab: Call, tmp_path: Path, searched: None) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("s/*/run.json")}
    status, out, _ = bnlab(*SEARCH, f"output_dir={tmp_path}")
    assert status == 0
    assert "16 runs: 0 to train, 16 done already" in out
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("s/*/run.json")}


def test_a_run_that_was_lost_is_trained_again_and_nothing_else(bnlab: Call, tmp_path: Path, searched: None) -> None:
    runs = sorted(tmp_path.glob("s/*/run.json"))
    rows = {path.parent.name: (path.parent / "steps.csv").read_text() for path in runs}
    lost = max(runs, key=lambda path: path.stat().st_mtime_ns).parent
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    assert bnlab(*SEARCH, f"output_dir={tmp_path}")[0] == 0
    assert {path.parent.name for path in tmp_path.glob("s/*/run.json")} == set(rows)


def test_a_limit_in_runs_ends_a_search(bnlab: Call, tmp_path: Path) -> None:
    _, out, _ = bnlab(*SEARCH, "sweep.max_runs=20", f"output_dir={tmp_path}")
    assert "stopped: sweep.max_runs=20 would be exceeded by" in out
    assert len(load(tmp_path / "s").infos) == 16


OWN = """\
# @package _global_
# Norm or none
model: {depth: 1, width: 16}
diagnostics: null
steps: 40
sweep: {looks: [2, 3, 5]}
hydra:
  sweeper:
    params: {norm: "none,batch,layer", optim.lr: "1e-6,0.1"}
claims:
  - claim: Batch norm learns
    metric: accuracy
    of: {norm: batch}
    value: {above: 0.1, below: 1.5}
  - claim: Layer norm is exactly as accurate as no norm
    metric: accuracy
    of: {norm: layer}
    against: {norm: none}
    difference: {above: -0.000001, below: 0.000001}
"""


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., list[str]]:
    """Write a study with looks; return the words that run it."""

    def write(changes: dict[str, str] | None = None) -> list[str]:
        folder = tmp_path / "mine" / "experiment"
        folder.mkdir(parents=True, exist_ok=True)
        text = OWN.replace("diagnostics: null\n", "")
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        (folder / "own.yaml").write_text(text)
        words = ["diagnostics=off", f"output_dir={tmp_path / 'out'}"]
        return ["study", "own", "--config-dir", str(tmp_path / "mine"), *words]

    return write


def seeds_by_condition(study: Path) -> dict[tuple[str, float], list[int]]:
    found: dict[tuple[str, float], list[int]] = {}
    for info in load(study).infos.values():
        found.setdefault((info["axes"]["norm"], info["axes"]["optim.lr"]), []).append(info["axes"]["seed"])
    return {key: sorted(seeds) for key, seeds in found.items()}


def test_only_undecided_claims_get_seeds_and_only_at_their_rates(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]
) -> None:
    status, out, err = bnlab(*own())
    assert (status, err) == (0, "")
    study = tmp_path / "out" / "own"
    seeds = seeds_by_condition(study)
    assert {key: len(value) for key, value in seeds.items()} == {
        ("batch", 1e-6): 2, ("batch", 0.1): 2,
        ("layer", 1e-6): 2, ("layer", 0.1): 5,
        ("none", 1e-6): 2, ("none", 0.1): 5,
    }  # fmt: skip
    record = read(study / "report" / "verdicts.json")
    assert record.looks == (2, 3, 5)
    learns, same = record.verdicts
    assert (learns.verdict, learns.look) == ("confirmed", 2)
    assert (same.verdict, same.look) == ("undecided", 5)
    assert same.effect is not None
    assert same.effect.n == 5
    assert 0 < learns.level < same.level < 0.05
    assert "Claims were judged at 2, 3, 5 seeds until they were decided" in out
    assert "Claims were judged at 2, 3, 5 seeds" in (study / "report" / "index.html").read_text()


def test_a_study_that_stopped_at_a_look_goes_on_later(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]
) -> None:
    words = own()
    _, out, _ = bnlab(*words, "sweep.max_runs=14")
    assert "stopped: sweep.max_runs=14 would be exceeded by 4 more runs" in out
    first = read(tmp_path / "out" / "own" / "report" / "verdicts.json")
    assert [one.look for one in first.verdicts] == [2, 3]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/own/*/run.json")}
    assert bnlab(*words)[0] == 0
    assert before.items() <= {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/own/*/run.json")}.items()
    resumed = read(tmp_path / "out" / "own" / "report" / "verdicts.json")
    bnlab(*words[:-1], f"output_dir={tmp_path / 'other'}")
    whole = read(tmp_path / "other" / "own" / "report" / "verdicts.json")
    assert resumed.verdicts == whole.verdicts


def test_a_study_that_is_repeated_trains_each_run_once_more_and_judges_the_same(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]
) -> None:
    words, study = own({"[2, 3, 5]": "[2, 3]"}), tmp_path / "out" / "own"
    assert bnlab(*words)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in study.glob("*/run.json")}
    first = read(study / "report" / "verdicts.json")
    status, out, _ = bnlab(*words, "rerun=true")
    assert status == 0
    after = {path: path.stat().st_mtime_ns for path in study.glob("*/run.json")}
    assert before.keys() == after.keys()
    assert all(after[path] > mark for path, mark in before.items())
    assert out.count("/12 complete ") + out.count("/2 complete ") == len(after) == 14
    assert read(study / "report" / "verdicts.json").verdicts == first.verdicts


def test_a_fixed_list_of_seeds_has_one_look(bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]) -> None:
    assert bnlab(*own(), "sweep.looks=null", "seed=0,1,2")[0] == 0
    record = read(tmp_path / "out" / "own" / "report" / "verdicts.json")
    assert record.looks is None
    assert {one.look for one in record.verdicts} == {None}
    assert {one.level for one in record.verdicts} == {0.05}


def test_holm_judges_all_claims_at_a_share_of_the_level(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]
) -> None:
    bnlab(*own(), "sweep.looks=null", "seed=0,1,2", "sweep.family=holm")
    record = read(tmp_path / "out" / "own" / "report" / "verdicts.json")
    decided, undecided = sorted(record.verdicts, key=lambda one: one.verdict)
    assert (decided.verdict, decided.level) == ("confirmed", 0.025)
    assert (undecided.verdict, undecided.level) == ("undecided", 0.05)
    assert "at most a probability of 5 % (Holm)" in record.how


SEARCHED = {'optim.lr: "1e-6,0.1"': 'optim.lr: "interval(1e-3,100)"'}
CRITICAL = """\
  - claim: Batch norm tolerates a higher rate
    metric: critical_lr
    of: {norm: batch}
    against: {norm: none}
    ratio: {above: 1}
"""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (SEARCHED, "accuracy needs listed rates, and optim.lr=interval() searches them"),
        (
            SEARCHED | {"of: {norm: batch}": "of: {norm: batch, optim.lr: 0.1}"},
            "optim.lr=0.1 needs listed rates, and optim.lr=interval() searches them",
        ),
        (
            {"metric: accuracy\n    of: {norm: layer}": "metric: critical_lr\n    of: {norm: layer}"},
            "compared by ratio",
        ),
        ({"[2, 3, 5]": "[5, 3]"}, "sweep.looks=[5,3] should be numbers of seeds that rise"),
    ],
)
def test_a_claim_that_cannot_be_judged_is_found_before_training(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]], changes: dict[str, str], said: str
) -> None:
    status, out, err = bnlab(*own(changes))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not list(tmp_path.rglob("run.json"))


def test_a_claim_about_critical_rates(bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]) -> None:
    words = own(SEARCHED | {OWN[OWN.index("  - claim: Batch") :]: CRITICAL})
    assert bnlab(*words, "search.runs=24", "norm=none,batch")[0] == 0
    (verdict,) = read(tmp_path / "out" / "own" / "report" / "verdicts.json").verdicts
    assert verdict.effect is not None
    assert (verdict.effect.unit, verdict.effect.n, verdict.look) == ("runs", len(verdict.runs), None)
    assert 0 <= verdict.effect.low < verdict.effect.value < verdict.effect.high <= math.inf


def test_a_bound_is_not_a_rate_up_to_which_all_works(bnlab: Call, tmp_path: Path) -> None:
    words = [word for word in SEARCH if not word.startswith(("search.runs", "norm="))]
    _, out, _ = bnlab(*words, "norm=none", "search.runs=3", f"output_dir={tmp_path}")
    (line,) = [line for line in out.splitlines() if line.startswith("all runs: ")]
    assert "works up to" not in line
    assert "3 runs" in line


def test_options_of_a_search_need_one(bnlab: Call, tmp_path: Path) -> None:
    status, _, err = bnlab("sweep", *TINY, "search.width=0.2", f"output_dir={tmp_path}")
    assert status == 2
    assert err == "bnlab: search.width is given, and no search: add optim.lr=interval(1e-4,100), or leave it out\n"


def test_a_run_that_is_listed_and_searched_belongs_to_the_grid(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]
) -> None:
    """The search begins with the rates 0.001, 0.00518 … and gives the seeds 0, 1 …, the grid lists 0.001 with all."""
    both = {
        'params: {norm: "none,batch,layer", optim.lr: "1e-6,0.1"}': (
            'params: {norm: "none,batch,layer"}\n    sweeps: [{optim.lr: "interval(1e-3,100)"}, {optim.lr: 0.001}]'
        ),
        "of: {norm: batch}": "of: {norm: batch, optim.lr: 0.001}",
        "of: {norm: layer}": "of: {norm: layer, optim.lr: 0.001}",
        "against: {norm: none}": "against: {norm: none, optim.lr: 0.001}",
    }
    assert bnlab(*own(both), "search.runs=8", "sweep.looks=[2]")[0] == 0
    record = read(tmp_path / "out" / "own" / "report" / "verdicts.json")
    assert [(one.look, one.reason, one.effect and one.effect.n) for one in record.verdicts] == [(2, "", 2)] * 2
