"""A started run whose files are damaged restarts, says so, and ends with the files of an undisturbed one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bnlab import cli
from bnlab.training.loop import Loop
from tests.soak.study import assert_equal

Call = Callable[..., tuple[int, str, str]]
NET = [
    "model.depth=2",
    "model.width=4",
    "epochs=1",
    "data.train_size=640",
    "study=s",
    "diagnostics=light",
    "optim.momentum=0.9",
]
LAUNCHERS = {"serial": ["seed=0", "launcher=serial"], "fused": ["seed=0,1", "launcher=fused"]}


def interrupt(at: int, *words: str) -> None:
    measure = Loop._measure

    def dying(self: Loop, update: bool = True) -> None:
        if self._state.step == at:
            raise KeyboardInterrupt
        measure(self, update)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Loop, "_measure", dying)
        assert cli.main(list(words)) == 130


@pytest.fixture(scope="module", params=LAUNCHERS)
def originals(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """Return a study interrupted at step 7, after a checkpoint at 6; an undisturbed one; and their command."""
    words = ["sweep", *NET, *LAUNCHERS[request.param], "checkpoint_seconds=0", "log_every=2"]
    interrupted, undisturbed = tmp_path_factory.mktemp("interrupted"), tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(interrupted)
        interrupt(7, *words)
        patched.chdir(undisturbed)
        assert cli.main(words) == 0
    return interrupted / "outputs/s", undisturbed / "outputs/s", words


@pytest.fixture
def started(
    originals: tuple[Path, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[str]]:
    """Return a copy of the interrupted study, and its command."""
    interrupted, _, words = originals
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(interrupted, tmp_path / "outputs/s")), words


@pytest.fixture
def undisturbed(originals: tuple[Path, Path, list[str]]) -> Path:
    """Return the study that was not interrupted."""
    return originals[1]


def change(study: Path, work: Callable[[dict[str, Any]], Any]) -> None:
    """Rewrite what the checkpoint holds of its first run, with sound sums."""
    (path,) = [*study.glob("pack_*.pt"), *study.glob("*/checkpoint.pt")]
    content = torch.load(path, weights_only=True)
    payload = content if "step" in content else next(iter(content.values()))
    work(payload)
    torch.save(content, path)


def drop(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda payload: payload.pop(key)


def put(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda payload: payload.update({key: value})


ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    **{
        f"no {key}": drop(key)
        for key in ("step", "params", "buffers", "slots", "schedule", "divergence", "metrics", "seconds")
    },
    "a step as a word": put("step", "six"),
    "a negative step": put("step", -1),
    "params as a list": put("params", []),
    "a parameter as a word": lambda payload: payload["params"].update({"head.weight.weight": "x"}),
    "a parameter less": lambda payload: payload["params"].pop("head.weight.weight"),
    "a parameter of another shape": lambda payload: payload["params"].update({"head.weight.weight": torch.zeros(3)}),
    "a buffer less": lambda payload: payload["buffers"].popitem(),
    "slots of another shape": lambda payload: payload["slots"].update(velocity=[torch.zeros(1)] * 9),
    "slots as words": put("slots", {"velocity": "x"}),
    "lengths as words": put("lengths", {"steps": "long"}),
    "a schedule as a list": put("schedule", []),
    "a divergence as a word": put("divergence", "no"),
    "a divergence of other keys": put("divergence", {"colour": 1}),
    "metrics of words": put("metrics", {"val_loss": "good"}),
    "finished as a word": put("finished", "no"),
    "finished before its end": put("finished", True),
    "a step past the end": put("step", 10**6),
    "a step that is true": put("step", True),
    "seconds without end": put("training_seconds", float("inf")),
    "a negative length": lambda payload: payload["lengths"].update(steps=-1),
    "a divergence of words": put("divergence", {"initial": "x", "streak": 0, "diverged_at": None}),
    "a divergence at nan": put("divergence", {"initial": 1.0, "streak": 0, "diverged_at": float("nan")}),
    "parameters of whole numbers": lambda payload: payload["params"].update(
        {"head.weight.weight": payload["params"]["head.weight.weight"].long()}
    ),
    "sparse parameters": lambda payload: payload["params"].update(
        {"head.weight.weight": payload["params"]["head.weight.weight"].to_sparse()}
    ),
    "sums as numbers": put("sums", {"steps": 7}),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_content_with_sound_sums_begins_anew(
    bnlab: Call, started: tuple[Path, list[str]], undisturbed: Path, odd: str
) -> None:
    study, words = started
    change(study, ODD[odd])
    status, out, err = bnlab(*words)
    assert (status, err) == (0, ""), out
    assert "it restarts from the beginning" in out
    assert_equal(study, undisturbed)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda content: bytes(len(content)),
    "a digit": lambda content: content.replace(b",0.1,", b",0.2,"),
    "other text": lambda content: b"x" * len(content),
    "another order": lambda content: content[: content.index(b"\n") + 1] + content[content.index(b"\n") + 1 :][::-1],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_table_overwritten_at_its_length_begins_anew(
    bnlab: Call, started: tuple[Path, list[str]], undisturbed: Path, damage: str
) -> None:
    study, words = started
    path = sorted(study.glob("*/steps.csv"))[0]
    before = path.read_bytes()
    path.write_bytes(DAMAGE[damage](before))
    assert path.read_bytes() != before
    assert path.stat().st_size == len(before)
    status, out, err = bnlab(*words)
    assert (status, err) == (0, ""), out
    assert "steps.csv has changed since the run wrote it" in out
    assert "it restarts from the beginning" in out
    assert_equal(study, undisturbed)


def test_a_checkpoint_of_an_older_bnlab_goes_on(bnlab: Call, started: tuple[Path, list[str]]) -> None:
    study, words = started
    change(study, drop("sums"))
    status, out, _ = bnlab(*words)
    assert (status, "it resumes from step" in out) == (0, True)
    assert all(json.loads(path.read_text())["status"] == "complete" for path in study.glob("*/run.json"))
