"""Every mistake of a user gives exit status 2 and one line with the error and the remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

# (words of the command, words that the line must contain: the mistake and the remedy)
MISTAKES = {
    "verb": ("trian", "trian is not a verb", "train"),
    "choice of a group": ("train norm=btach", "norm=btach", "batch"),
    "unlike any choice": ("train norm=zzz", "norm=zzz", "available: batch"),
    "misspelt key": ("train optim.lrr=1", "optim.lrr", "optim.lr?"),
    "misspelt key, appended": ("train +optim.lrr=1", "optim.lrr", "optim.lr?"),
    "new key, appended": ("train +colour=red", "colour", "option"),
    "appended though there": ("train +seed=1", "seed", "without the +"),
    "key without its group": ("train lr=0.1", "lr is", "optim.lr?"),
    "key of another group": ("train norm=layer norm.momentum=0.5", "norm.momentum", "option"),
    "text for a number": ("train optim.lr=abc", "optim.lr=abc", "a number"),
    "rate not positive": ("train optim.lr=0", "optim.lr=0", "greater than 0"),
    "rate not finite": ("train optim.lr=inf", "optim.lr=inf", "finite"),
    "null seed": ("train seed=null", "seed=null", "whole number"),
    "fraction of a seed": ("train seed=1.5", "seed=1.5", "whole number"),
    "truth for a number": ("train model.depth=true", "model.depth=true", "whole number"),
    "no width": ("train model.width=0", "model.width=0", "1"),
    "activation": ("train model.activation=rleu", "rleu", "relu"),
    "momentum of one": ("train optim.momentum=1", "optim.momentum=1", "less than 1"),
    "several values to train": ("train norm=batch,layer", "norm=batch,layer", "bnlab sweep"),
    "a list of choices": ("sweep norm=[none,batch]", "norm=[none,batch] is a list", "norm=none,batch`"),
    "capitals": ("train model=MLP", "model=MLP is not known", "did you mean mlp?"),
    "torch's name": ("train norm=BatchNorm", "norm=BatchNorm is not known", "did you mean batch?"),
    "one's own norm": ("train norm=my_norm", "norm=my_norm is not known", "plugins=[FILE.py]"),
    "name of a choice": ("train optim.name=adam", "optim.name=adam", "write optim=adam"),
    "site as a placement": ("train placement.default=false placement=cell", "placement=cell", "placement.cell=true"),
    "several values to show": ("show norm=none,batch", "norm=none,batch", "other verbs take one"),
    "choice for a group": ("list mlp", "mlp is not a group, but a choice of model", "bnlab list model"),
    "no equals sign": ("train norm batch", "norm", "key=value"),
    "empty choice": ("train norm=", "norm=", "available:"),
    "removed group": ("train ~norm", "norm", "norm=NAME"),
    "placement unknown": ("train placement=befor_act", "placement=befor_act", "before_act"),
    "placement unknown key": ("train placement.befor_act=true", "placement.befor_act", "placement.before_act"),
    "no place": ("train placement.default=false", "no site", "norm=none"),
    "site of another model": ("train placement.cell=true", "cell", "before_act"),
    "batch of one": ("train data.batch_size=1", "1 value", "data.batch_size=2"),
    "batch larger than the data": ("train data.batch_size=100000", "100000", "drop_last"),
    "groups that do not divide": ("train norm=group norm.groups=7", "norm.groups=7", "8"),
    "instance norm without pictures": ("train norm=instance", "instance", "model=cnn"),
    "cnn without pictures": ("train model=cnn data=gaussian", "cnn", "mlp"),
    "data that are not there": ("train data=mnist data.root=nowhere data.download=false", "nowhere", "data.root"),
    "validation larger than the data": ("train data.val_size=5000", "data.val_size=5000", "1437"),
    "nesterov without momentum": ("train optim.momentum=0 optim.nesterov=true", "nesterov", "optim.momentum"),
    "plateau without validation": ("train schedule=plateau data.val_size=0", "plateau", "data.val_size"),
    "accumulation over nothing": ("train accumulate=1000", "accumulate=1000", "lower"),
    "study as a path": ("train study=a/b", "a/b", "one folder"),
    "experiment": ("sweep experiment=dmo", "experiment=dmo", "demo"),
    "one bad cell of a sweep": ("sweep norm=batch,btach", "norm=btach", "batch"),
    "one bad number of a sweep": ("sweep optim.lr=0.1,fast", "optim.lr=fast", "number"),
    "moment of a diagnostic": ("train diagnostics.activation_moments.when=[often]", "often", "init"),
    "preset of diagnostics": ("train diagnostics=liht", "diagnostics=liht", "light"),
    "diagnostic in a list": ("train diagnostics=[light,landscpe]", "diagnostics=landscpe", "landscape?"),
    "diagnostic as an option": ("train diagnostics.landscape=true", "diagnostics.landscape", "[light,landscape]"),
    "the end of a yaml": ("sweep experiment=demo.yaml", "experiment=demo.yaml", "experiment=demo"),
    "option of a diagnostic not chosen": ("train diagnostics.landscape.when=[1]", "landscape", "[light,landscape]"),
    "option of other data": ("study batch_size scale=smoke data.root=DIR", "data.root", "mnist have it"),
    "a moment that is no list": ("train when=20", "when=20", "when=[20]"),
    "sweep over diagnostics": ("sweep diagnostics=off,light", "diagnostics", "are one run"),
    "beginning of a key": ("train model.act=tanh", "model.act", "model.activation?"),
    "last batch of one": ("train norm.track_running_stats=false data.batch_size=2", "of size 1", "another batch"),
    "flag": ("train --fast", "--fast", "optim.lr=0.1"),
    "folder of configs": ("train --config-dir nowhere", "nowhere", "folder"),
    "multirun": ("train -m norm=batch", "--multirun", "bnlab sweep"),
    "report on nothing": ("report", "DIR", "usage"),
    "report on no folder": ("report nowhere", "nowhere", "bnlab sweep"),
    "report with no accuracy": ("report . --target 5", "--target 5", "between 0 and 1"),
    "group of list": ("list nrom", "nrom", "norm"),
    "shown": ("show model=mpl", "model=mpl", "mlp"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_line_and_status_2(
    bnlab: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words, wrong, right = MISTAKES[mistake]
    status, out, err = bnlab(*words.split())
    assert status == 2, err
    assert err.startswith("bnlab: ")
    assert err.count("\n") == 1, "more than one line"
    assert wrong in err
    assert right in err
    assert out == ""
    assert not list(tmp_path.rglob("run.json")), "something was written before the mistake was found"
    assert not list(tmp_path.glob("outputs/*/*/")), "a folder is left of what has never been a run"


@pytest.mark.parametrize("words", ["train norm=bad", "sweep norm=bad seed=0,1", "sweep norm=none,bad"])
def test_a_broken_yaml(bnlab: Callable[..., tuple[int, str, str]], tmp_path: Path, words: str) -> None:
    (tmp_path / "norm").mkdir()
    (tmp_path / "norm/bad.yaml").write_text("name: batch\nlist: [1,\n")
    verb, *rest = words.split()
    status, _, err = bnlab(verb, "--config-dir", str(tmp_path), *rest, f"output_dir={tmp_path / 'out'}")
    assert (status, err.count("\n")) == (2, 1), err
    assert "bad.yaml, line 3, cannot be read as yaml" in err


def test_tf32_needs_a_gpu(bnlab: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    status, _, err = bnlab("train", "device=cpu", "precision=tf32", f"output_dir={tmp_path}")
    assert (status, err) == (
        2, "bnlab: precision=tf32 is arithmetic of GPUs: use precision=float32 on a CPU\n"
    )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_no_cuda(bnlab: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    status, _, err = bnlab("train", "device=cuda", f"output_dir={tmp_path}")
    assert (status, err.count("\n")) == (2, 1)
    assert "device=cpu" in err


def test_output_that_cannot_be_written(bnlab: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = bnlab("train", f"output_dir={tmp_path / 'file'}")
    assert (status, err.count("\n")) == (2, 1)
    assert "output_dir" in err
