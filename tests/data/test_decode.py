"""Decoding of many pictures: the same array with processes and threads, progress, and failures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnlab.data import decode
from bnlab.data.base import Undecodable, silent
from bnlab.data.decode import decoded
from bnlab.data.picture import images
from bnlab.errors import BadInput

from .written import pictures


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    pictures(tmp_path, {"a": 60})
    return [str(path) for path in sorted((tmp_path / "a").iterdir())]


@pytest.mark.parametrize("many", [1, 1000])  # with processes, with threads
def test_every_way_gives_the_same(many: int, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MANY", many)
    monkeypatch.setattr(decode, "CHUNK", 7)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    x = decoded(paths, 8, 3, silent)
    assert np.array_equal(x, images(paths, 8, 3).x)
    assert x[:, 1, 0, 0].tolist() == list(range(60)), "in the order of the paths"


@pytest.mark.parametrize("many", [1, 1000])
def test_broken_pictures_are_counted_and_named(many: int, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MANY", many)
    monkeypatch.setattr(decode, "CHUNK", 7)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    Path(paths[30]).write_text("x")
    with pytest.raises(Undecodable, match=r"cannot read .*/030\.png"):
        decoded(paths, 8, 3, silent)
    Path(paths[59]).unlink()
    with pytest.raises(Undecodable, match=r"cannot read 2 of 60 pictures: .*/030\.png \(.*\), .*/059\.png \(No such"):
        decoded(paths, 8, 3, silent)


def test_a_killed_worker_costs_time_alone(
    paths: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def killed(rest: list[str], *_: object):  # type: ignore[no-untyped-def]
        yield images(rest[:7], 8, 3)
        raise decode.BrokenProcessPool("killed")

    monkeypatch.setattr(decode, "MANY", 1)
    monkeypatch.setattr(decode, "_by_processes", killed)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    assert np.array_equal(decoded(paths, 8, 3, silent), images(paths, 8, 3).x)
    assert "worker processes for decoding ended (BrokenProcessPool): continuing in this process" in caplog.text


def test_progress_is_said(paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "EVERY", 0)
    monkeypatch.setattr(decode, "CHUNK", 20)
    lines: list[str] = []
    decoded(paths, 8, 3, lines.append)
    assert lines == [f"image_folder: {n} of 60 pictures decoded" for n in (20, 40)]


def test_pictures_that_do_not_fit_are_refused_before_any_is_read() -> None:
    message = "image_folder: 3 pictures of 3×1000000×1000000 would take 18.0 TB of memory, but this machine has "
    with pytest.raises(BadInput, match=message + ".*: lower data.size or data.train_size"):
        decoded(["gone.png"] * 3, 10**6, 3, silent)


def test_workers_load_no_torch() -> None:
    code = "import sys, bnlab.data.decode; assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
