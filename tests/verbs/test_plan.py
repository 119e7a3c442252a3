"""`bnlab plan`."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]
SMALL = ["model.depth=1", "model.width=8", "epochs=1", "data.train_size=200", "device=cpu"]


def test_says_what_a_sweep_would_do_and_writes_nothing(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*SMALL, "norm=none,batch", "placement=before_act,after_act", "seed=0,1"]
    status, out, err = bnlab("plan", *words)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "outputs/main: 8 runs, 6 to train"
    assert lines[1] == "  6 new, 2 the same as another"
    assert lines[2].startswith("launcher=auto: ")
    assert sum(line.split()[-1:] == ["unknown"] for line in lines) == 3
    assert any(line.startswith("time: unknown") for line in lines)
    assert any(line.startswith("disk: unknown, ") for line in lines)
    assert not list(tmp_path.iterdir())


def test_after_the_sweep_everything_is_done_and_its_times_are_known(bnlab: Call, tmp_path: Path) -> None:
    words = [*SMALL, f"output_dir={tmp_path}", "launcher=serial"]
    assert bnlab("sweep", *words, "seed=0,1")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert bnlab("plan", *words, "seed=0,1")[1] == f"{tmp_path}/main: 2 runs, 0 to train\n  2 complete\n"
    _, out, _ = bnlab("plan", *words, "seed=0,1,2", "optim.lr=0.1,0.2")
    lines = out.splitlines()
    assert lines[0].endswith("6 runs, 4 to train")
    assert lines[2].startswith("launcher=serial: one by one, in this process")
    assert lines[3] == "  4 alone"
    assert any(line.startswith("time: about ") for line in lines)
    assert any(line.startswith("disk: about ") for line in lines)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_measured_it_names_what_cannot_work(bnlab: Call, tmp_path: Path) -> None:
    words = [*SMALL, f"output_dir={tmp_path}", "norm=none,batch", "data.batch_size=1,20"]
    status, out, _ = bnlab("plan", *words, "--measure")
    assert status == 0
    lines = out.splitlines()
    assert sum(line.split()[-1] == "measured" for line in lines) == 3
    assert sum("cannot work  " in f"{line}  " for line in lines) == 1
    (reason,) = (line for line in lines if line.startswith("cannot work: 1 x "))
    assert "1 value" in reason
    assert not list(tmp_path.iterdir())


def test_lines_fit_80_columns(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, out, _ = bnlab(
        "plan", *SMALL, f"output_dir={tmp_path}", "norm=none,batch", "placement=before_and_after_act,after_act",
        "data.batch_size=1,20", "model.activation=relu,tanh", "optim=sgd,adamw", "model.dropout=0,0.25",
    )  # fmt: skip
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("… and") for line in lines)


def test_loads_no_torch_and_one_launcher_of_others_is_refused(bnlab: Call, tmp_path: Path) -> None:
    code = "import sys; from bnlab.cli import main; assert main(['plan', *sys.argv[1:]]) == 0; "
    code += "assert 'torch' not in sys.modules"
    words = [*SMALL, "seed=0,1", f"output_dir={tmp_path}"]
    subprocess.run([sys.executable, "-c", code, *words], check=True, timeout=120, capture_output=True)
    status, out, err = bnlab("plan", *words, "hydra/launcher=basic")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "hydra/launcher" in err


@pytest.mark.parametrize(
    ("words", "named"),
    [("optim.lrr=1,2", "optim.lr?"), ("norm=btach", "batch"), ("seed=0,x", "seed=x"), ("--mesure", "--mesure"),
     ("experiment=dmo", "demo"), ("data=mnist data.root=nowhere data.download=false", "data.root"),
     ("seed", "key=value")],
)  # fmt: skip
def test_mistakes(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = bnlab("plan", *words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert named in err


def test_completion(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        return bnlab("-sc", "query=bash")[1].split()

    assert {"plan", "status"} <= set(complete("bnlab "))
    assert "norm=layer" in complete("bnlab plan norm=la")
    assert "optim.lr=" in complete("bnlab plan norm=batch optim.l")
    assert complete("bnlab status outputs") == []  # the shell completes folders
