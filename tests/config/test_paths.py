"""`~` in the paths of a config."""

import os
from pathlib import Path
from typing import Any

import pytest

from bnlab.config.paths import all_expanded, expanded
from bnlab.errors import BadInput


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("path", ["a", "./~", "a/~/b", "/tmp/x y", "é", "~a/../b"[1:], "."])
def test_others_stay(path: str) -> None:
    assert expanded(path, "output_dir") == path


@pytest.mark.parametrize(("path", "below"), [("~", ""), ("~/", ""), ("~/a b", "a b"), ("~/é/x", "é/x")])
def test_the_home_folder(path: str, below: str, home: Path) -> None:
    assert Path(expanded(path, "output_dir")) == home / below


def test_another_users_home() -> None:
    pwd = pytest.importorskip("pwd")
    user = pwd.getpwuid(os.getuid())
    assert expanded(f"~{user.pw_name}/x", "output_dir") == str(Path(user.pw_dir, "x"))


REFUSED = {
    "": "output_dir is empty",
    "  ": "output_dir is empty",
    "~nosuchuser/x": "there is no user nosuchuser",
    "~nosuchuser": "for a folder of that name write ./~nosuchuser",
    "a" * 256: "a name in it at most 255",
    "é" * 128: "a name in it at most 255",
    "/aa" * 2000: "at most 3800 bytes",
}


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(BadInput) as refusal:
        expanded(path, "output_dir")
    assert REFUSED[path] in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 987654321)  # a container's user without a passwd entry
    with pytest.raises(BadInput, match="set HOME"):
        expanded("~/x", "output_dir")


def test_a_config_is_expanded_without_touching_what_is_shared(home: Path) -> None:
    values: dict[str, Any] = {
        "output_dir": "~/out",
        "init_from": None,
        "plugins": ["~/a.py", "b.py", 5],
        "data": {"root": "~/d", "name": "~"},
        "study": "~",
    }
    found = all_expanded(values)
    assert found == values | {
        "output_dir": f"{home}/out",
        "plugins": [f"{home}/a.py", "b.py", 5],
        "data": {"root": f"{home}/d", "name": "~"},
    }
    assert values["data"]["root"] == "~/d"


@pytest.mark.parametrize("values", [{}, {"data": 5}, {"plugins": None}, {"output_dir": 5}, {"data": {}}])
def test_what_is_no_path_is_left_to_its_type(values: dict[str, Any]) -> None:
    assert all_expanded(values) == values
