"""`bnlab study`: sweep, verdicts, report."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from bnlab.adaptive.rounds import at_low_end
from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.config.identity import axes
from bnlab.config.validate import validate
from bnlab.runs.reader import load
from bnlab.studies.claim import Claim, read_claims
from bnlab.studies.record import read
from bnlab.studies.selection import check
from bnlab.verbs import hydra
from bnlab.verbs.list import choices

Call = Callable[..., tuple[int, str, str]]
STUDIES = tuple(choices([conf_dir()])["study"])
QUICK = ("depth_lr", "ioffe2015", "lr_sensitivity", "mistakes", "regularization")  # the others: make contracts
SCALES = ("smoke", "cpu", "paper")

pytestmark = pytest.mark.usefixtures("one_figure")


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.exhaustive) for n in STUDIES])
def test_smoke(bnlab: Call, tmp_path: Path, name: str) -> None:
    status, out, err = bnlab("study", name, "scale=smoke", f"output_dir={tmp_path}")
    assert (status, err) == (0, "")
    study = tmp_path / f"{name}_smoke"
    record = read(study / "report" / "verdicts.json")
    assert (record.study, record.scale, record.n_runs) == (name, "smoke", len(load(study).infos))
    assert record.command == f"bnlab study {name} scale=smoke output_dir={tmp_path}"
    lines = out.splitlines()
    page = (study / "report" / "index.html").read_text()
    for one in record.verdicts:
        assert any(line.startswith(f"{one.verdict:<9} {one.claim}") for line in lines)
        assert one.effect is not None or one.reason
        assert set(one.runs) <= set(load(study).infos)
    assert any(one.effect is not None for one in record.verdicts)
    assert record.verdicts[0].claim.split(",")[0] in page


def test_its_size_is_the_one_that_hydra_takes(bnlab: Call, tmp_path: Path) -> None:
    words = ["lr_sensitivity", "scale=cpu", "scale=smoke", "norm=batch", "steps=2", f"output_dir={tmp_path}"]
    status, out, err = bnlab("study", *words)
    assert (status, err) == (0, "")
    assert "too small for its verdicts to mean anything" in out
    assert read(tmp_path / "lr_sensitivity_smoke" / "report" / "verdicts.json").scale == "smoke"


@pytest.mark.parametrize("words", [("--cfg", "job", "convergence"), ("convergence", "seed=7", "--cfg", "job")])
def test_its_config_can_be_seen(bnlab: Call, words: tuple[str, ...]) -> None:
    status, out, err = bnlab("study", *words)
    assert (status, err) == (0, "")
    assert "claim: Batch norm is at 90 % in less than half the epochs" in out


def test_its_name_says_which_experiment(bnlab: Call) -> None:
    status, _, err = bnlab("study", "convergence", "experiment=placement")
    assert status == 2
    assert err == "bnlab: experiment=placement: the study convergence already selects it: leave it out\n"


def grid_of(words: Sequence[str]) -> tuple[list[Claim], Mapping[str, Mapping[str, Any]]]:
    """Return the claims of an experiment and the axes of its runs, without loading data."""
    found: list[tuple[list[Claim], Mapping[str, Mapping[str, Any]]]] = []

    def task(config: DictConfig) -> None: ...

    def batch(composer: Composer, overrides: Sequence[Sequence[str]]) -> None:
        configs = [composer.compose(at_low_end(one)) for one in overrides]
        found.append((read_claims(configs[0].claims), {str(n): axes(validate(c)) for n, c in enumerate(configs)}))

    task.batch = batch  # type: ignore[attr-defined]
    hydra.call(task, list(words), multirun=True)
    return found[0]


@pytest.mark.parametrize(
    "scale", [pytest.param(scale, marks=() if scale == "cpu" else pytest.mark.exhaustive) for scale in SCALES]
)
@pytest.mark.parametrize("name", STUDIES)
def test_claims_speak_of_what_is_planned_in_every_size(name: str, scale: str) -> None:
    claims, planned = grid_of([f"experiment={name}", f"scale={scale}"])
    assert claims
    check(claims, planned, ())


OWN = """\
# @package _global_
# Norm or none
model: {depth: 1, width: 8}
steps: 3
hydra:
  sweeper:
    params: {norm: "none,batch", seed: "0,1"}
claims:
  - claim: Batch norm is more accurate by a lot
    metric: METRIC
    of: {norm: batch}
    against: {norm: NONE}
    difference: {above: 0.99}
"""


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., list[str]]:
    """Write a user's study; return the words that run it."""

    def write(metric: str = "accuracy", none: str = "none") -> list[str]:
        folder = tmp_path / "mine" / "experiment"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "own.yaml").write_text(OWN.replace("METRIC", metric).replace("NONE", none))
        return ["study", "own", "--config-dir", str(tmp_path / "mine"), f"output_dir={tmp_path / 'out'}"]

    return write


def test_ones_own_study_goes_on_where_it_stopped(bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]) -> None:
    status, out, err = bnlab(*own())
    assert (status, err) == (0, "")
    assert "4 runs: 4 to train" in out
    (verdict,) = read(tmp_path / "out" / "own" / "report" / "verdicts.json").verdicts
    assert verdict.verdict == "refuted"
    assert len(verdict.runs) == 4
    assert "4 runs: 0 to train, 4 done already" in bnlab(*own())[1]
    assert all("claims" not in path.read_text() for path in tmp_path.glob("out/own/*/config.yaml"))


def test_only_the_runs_of_this_study_are_judged(bnlab: Call, tmp_path: Path, own: Callable[..., list[str]]) -> None:
    bnlab("sweep", *own()[2:], "experiment=own", "seed=7")
    bnlab(*own())
    (verdict,) = read(tmp_path / "out" / "own" / "report" / "verdicts.json").verdicts
    assert verdict.effect is not None
    assert verdict.effect.n == 2


def test_what_the_user_narrows_is_undecided(bnlab: Call, own: Callable[..., list[str]]) -> None:
    status, out, _ = bnlab(*own(), "norm=batch")
    assert status == 0
    assert "undecided Batch norm is more accurate by a lot (difference above 0.99); no run of norm=none" in out


def test_a_failed_run_is_status_1(bnlab: Call, own: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    from bnlab.models.mlp import MLP

    forward = MLP.forward

    def faulty(self: MLP, x: Any) -> Any:
        if getattr(x, "is_meta", False):
            return forward(self, x)
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(MLP, "forward", faulty)
    status, out, _ = bnlab(*own())
    assert status == 1
    assert "failed: ZeroDivisionError: a fault" in out
    assert "undecided" in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "acuracy"}, ("claim 1 (Batch norm is more accurate by a lot)", "did you mean accuracy?")),
        ({"none": "nnoe"}, ("norm=nnoe", "the planned values are none, batch")),
    ],
)
def test_a_wrong_claim_is_found_before_anything_is_trained(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]], changes: dict[str, str], said: tuple[str, ...]
) -> None:
    status, out, err = bnlab(*own(**changes))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert [words for words in said if words not in err] == []
    assert not list(tmp_path.rglob("run.json"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("study lr_sensitivity --fast", "--fast"),
        ("study scale=smoke", "name a study first"),
        ("study scale=smoke lr_sensitivty", "did you mean lr_sensitivity?"),  # the name may come later
        ("study --config-dir . lr_sensitivty", "did you mean lr_sensitivity?"),
        ("study", "name a study first, or --all; available: batch_size"),
        ("study lr_sensitivty", "did you mean lr_sensitivity?"),
        ("study demo", "bnlab sweep experiment=NAME"),
        ("study lr_sensitivity scale=tiny", "scale=tiny"),
        ("study lr_sensitivity study=a,b scale=smoke", "study= should be one folder"),
    ],
)
def test_mistakes(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = bnlab(*words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not list(tmp_path.rglob("run.json"))


def test_all_studies_go_on_after_one_that_cannot_run(
    bnlab: Call, tmp_path: Path, own: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, *words = own()
    monkeypatch.setattr("bnlab.verbs.study._studies", lambda options: {"lr_sensitivity": "", "own": ""})
    status, out, err = bnlab("study", "--all", *words, "data.root=nowhere", "data.download=false")
    assert (status, err) == (2, "")
    summary = out[out.index("all studies") :].splitlines()
    assert summary[1].startswith("lr_sensitivity: not run: ")
    assert summary[2].startswith("own: not run: data.root")
    status, out, _ = bnlab("study", "--all", *words, "norm=none,batch")
    assert "own: 0 confirmed, 1 refuted, 0 undecided" in out


def test_list_names_the_studies(bnlab: Call) -> None:
    assert set(json.loads(bnlab("list", "study", "--json")[1])["study"]) == set(STUDIES)
    assert "demo" not in bnlab("list", "study")[1]
    assert "lr_sensitivity" in bnlab("list", "experiment")[1]
