"""run.json: every odd content is one line that names the file and what is odd."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.runs.files import Unreadable
from bnlab.runs.info import read_info, run_folders, write_info
from bnlab.runs.schema import RUN_KEYS
from bnlab.text import printable
from tests.runs.conftest import info

GOOD = {**info("0123456789ab"), "status": "complete", "metrics": {"val_accuracy": 0.5}, "command": "bnlab train seed=0"}
NESTED: list[Any] = [1]
for _ in range(20):
    NESTED = [NESTED]

# (keys to replace, what the message names)
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "metrics that are words": ({"metrics": {"val_accuracy": "good"}}, "metrics.val_accuracy"),
    "metrics that are lists": ({"metrics": {"val_accuracy": [1]}}, "metrics.val_accuracy"),
    "metrics that are true": ({"metrics": {"val_accuracy": True}}, "metrics.val_accuracy"),
    "a metric of 40 digits": ({"metrics": {"val_loss": 10**400}}, "metrics.val_loss"),
    "metrics as a list": ({"metrics": [1]}, "metrics"),
    "metrics as a word": ({"metrics": "nan"}, "metrics"),
    "versions as a list": ({"versions": [1]}, "versions"),
    "a version as a number": ({"versions": {"torch": 2}}, "versions.torch"),
    "a command as a number": ({"command": 7}, "command"),
    "an unclosed quote": ({"command": "bnlab train 'study=x"}, "No closing quotation"),
    "a command that ends in a backslash": ({"command": "bnlab train \\"}, "No escaped character"),
    "no such status": ({"status": "done"}, "status"),
    "a status as a list": ({"status": ["complete"]}, "status"),
    "a run_id as a number": ({"run_id": 7}, "run_id"),
    "a run_id as a path": ({"run_id": "../other"}, "run_id"),
    "an empty run_id": ({"run_id": ""}, "run_id"),
    "axes as a list": ({"axes": ["norm"]}, "axes"),
    "no axes": ({"axes": None}, "axes"),
    "a rate of 0": ({"axes": {"optim.lr": 0}}, "optim.lr should be a number above 0"),
    "a negative rate": ({"axes": {"optim.lr": -0.1}}, "optim.lr"),
    "a rate as a word": ({"axes": {"optim.lr": "0.1"}}, "optim.lr"),
    "a rate as truth": ({"axes": {"optim.lr": True}}, "optim.lr"),
    "a seed of 40 digits": ({"axes": {"seed": 10**39}}, "too large"),
    "a seed of 2^63": ({"axes": {"seed": 2**63}}, "too large"),
    "a negative seed": ({"axes": {"seed": -1}}, "seed"),
    "half a seed": ({"axes": {"seed": 0.5}}, "seed"),
    "epochs as a word": ({"axes": {"epochs": "ten"}}, "epochs"),
    "steps as a number with a point": ({"axes": {"steps": 1.5}}, "steps"),
    "an axis nested 20 times": ({"axes": {"model.shape": NESTED}}, "nested too deeply"),
    "seconds as a word": ({"seconds": "long"}, "seconds"),
    "negative seconds": ({"seconds": -1.0}, "seconds"),
    "diverged at -1": ({"diverged_at": -1}, "diverged_at"),
    "diverged at half a step": ({"diverged_at": 0.5}, "diverged_at"),
    "a cause as a list": ({"cause": []}, "cause"),
    "an execution as a word": ({"execution": "serial"}, "execution"),
    "an executor as a number": ({"execution": {"executor": 1}}, "execution.executor"),
    "no runs in a pack": ({"execution": {"executor": "fused", "pack": "a", "runs": 0}}, "execution.runs"),
    "diagnostics as a list": ({"diagnostics": ["light"]}, "diagnostics"),
    "moments as a word": ({"diagnostics": {"landscape": "init"}}, "diagnostics.landscape"),
    "classes as a word": ({"classes": "ten"}, "classes"),
    "minus ten classes": ({"classes": -10}, "classes"),
    "a cost as a word": ({"cost": {"update_seconds": "long"}}, "cost.update_seconds"),
    "git as a number": ({"git": 1}, "git"),
    "device as a list": ({"device": ["cpu"]}, "device"),
    "parameters as a word": ({"n_params": "many"}, "n_params"),
    "checksums as a list": ({"checksums": ["a"]}, "checksums"),
    "a traceback as a number": ({"traceback": 1}, "traceback"),
    "a newer schema": ({"schema": 99}, "use a newer bnlab"),
    "a schema as a word": ({"schema": "one"}, "schema"),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_content_is_named(tmp_path: Path, odd: str) -> None:
    changed, says = ODD[odd]
    (tmp_path / "run.json").write_text(json.dumps(GOOD | changed))
    with pytest.raises(Unreadable, match=r"run\.json") as error:
        read_info(tmp_path)
    assert says in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500
    assert not error.value.blank, "what it says may be worth keeping"


RAW = {
    "1e999": '{"run_id": "a", "status": "complete", "axes": {"model.width": 1e999}}',
    "a list": "[]",
    "a word": '"complete"',
    "nothing": "null",
    "nested": "[" * 10_000 + "]" * 10_000,
    "no status": '{"run_id": "a", "axes": {}}',
}


@pytest.mark.parametrize("raw", RAW)
def test_odd_text_is_named(tmp_path: Path, raw: str) -> None:
    (tmp_path / "run.json").write_text(RAW[raw])
    with pytest.raises(Unreadable, match=r"run\.json cannot be read"):
        read_info(tmp_path)


@pytest.mark.parametrize(
    "text", ["\x1b]0;title\x07", "\x1b[2J", "a\rb", "\u202etxt.exe", "\ud800", "\x00", "\x9b31m", "\u2028", "\x7f"]
)
def test_nothing_that_acts_on_a_terminal_comes_through(tmp_path: Path, text: str) -> None:
    odd = {"cause": text, "command": f"bnlab train study={text}", "axes": {"norm": text, text: 1}, "device": text}
    odd |= {"versions": {text: text}, "diagnostics": {text: [text]}, "traceback": f"line\n{text}"}
    (tmp_path / "run.json").write_text(json.dumps(GOOD | odd))
    found = read_info(tmp_path)

    def is_clean(value: Any) -> bool:
        if isinstance(value, dict):
            return all(is_clean(key) and is_clean(one) for key, one in value.items())
        if isinstance(value, list):
            return all(map(is_clean, value))
        return not isinstance(value, str) or value.replace("\n", "").isprintable()

    assert is_clean(found)
    assert "\n" in found["traceback"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    metrics = {"val_loss": math.inf, "train_loss": -math.inf, "val_accuracy": None, "epochs_done": 3}
    write_info(tmp_path, GOOD | {"metrics": metrics | {"test_loss": math.nan}, "axes": {"data.shape": [1, 8, 8]}})
    found = read_info(tmp_path)
    assert found.keys() == set(RUN_KEYS)
    assert math.isnan(found["metrics"].pop("test_loss"))
    assert found["metrics"] == metrics
    assert found["axes"] == {"data.shape": [1, 8, 8]}


def test_a_key_of_a_later_version_does_not_come_back(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(GOOD | {"colour": "red"}))
    write_info(tmp_path, read_info(tmp_path))  # which refuses keys that it does not know
    assert "colour" not in json.loads((tmp_path / "run.json").read_text())


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(RUN_KEYS), JSON, max_size=4))
def test_any_json_is_a_run_or_unreadable(tmp_path_factory: pytest.TempPathFactory, changed: dict[str, Any]) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "run.json").write_text(json.dumps(GOOD | changed))
    try:
        found = read_info(folder)
    except Unreadable as error:
        assert printable(str(error)) == str(error)  # noqa: PT017
    else:
        write_info(folder, found)
        assert json.dumps(read_info(folder), sort_keys=True) == json.dumps(found, sort_keys=True)


def test_a_run_folder_is_one_whatever_its_run_json_is(tmp_path: Path) -> None:
    for name in ("fifo", "folder", "dangling", "yaml", "none"):
        (tmp_path / name).mkdir()
    (tmp_path / "fifo/run.json").symlink_to("/dev/zero")
    (tmp_path / "folder/run.json").mkdir()
    (tmp_path / "dangling/run.json").symlink_to("nowhere")
    (tmp_path / "yaml/config.yaml").touch()
    assert [path.name for path in run_folders(tmp_path)] == ["dangling", "fifo", "folder", "yaml"]


@pytest.mark.parametrize("status", ["failed", "refused", "diverged"])
def test_an_end_without_a_cause_has_a_text(tmp_path: Path, status: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps(GOOD | {"status": status, "cause": None}))
    assert read_info(tmp_path)["cause"] == "no cause was recorded"
