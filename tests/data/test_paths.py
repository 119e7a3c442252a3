"""Users' paths of data."""

from pathlib import Path

import pytest

from bnlab.data.paths import expanded, kind
from bnlab.errors import BadInput

ROOTS = {"home": ("~/pics", "HOME/pics"), "home itself": ("~", "HOME"), "absolute": ("/a/b", "/a/b"),
         "relative": ("data", "data"), "a tilde within": ("a/~b", "a/~b"), "a folder in parts": ("a//b/", "a/b"),
         "accents": ("/home/josé/é", "/home/josé/é"), "signs of shells": ("/tmp/a=b (2)", "/tmp/a=b (2)")}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_roots(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, meant = ROOTS[name]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded(given) == Path(meant.replace("HOME", str(tmp_path)))


def test_a_user_by_name() -> None:
    pwd = pytest.importorskip("pwd")
    root = pwd.getpwuid(0)
    assert expanded(f"~{root.pw_name}/x") == Path(root.pw_dir) / "x"


BAD = {
    "no such user": ("~nosuchuser/x", "data.root=~nosuchuser/x: there is no user nosuchuser on this machine: write"),
    "an odd user": ("~\x1b[31m", "data.root=~␛[31m: there is no user ␛[31m on this machine: write the path in full"),
    "empty": ("", "data.root is empty: give the folder that contains the data"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_roots(name: str) -> None:
    given, message = BAD[name]
    with pytest.raises(BadInput) as caught:
        expanded(given)
    assert str(caught.value).startswith(message)


def test_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    with pytest.raises(BadInput, match=r"data.root=~/x: no home folder is known \(HOME is not set\)"):
        expanded("~/x")


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dead").symlink_to(tmp_path / "gone")
    names = ("", "file", "link", "dead", "gone", "file/x", "a\0b", "\ud800", "/dev/null")
    kinds = ["folder", "file", "file", None, None, None, None, None, "other"]
    assert [kind(tmp_path / name) for name in names] == kinds


ODD = {"a name too long": ("x" * 300, "File name too long"), "a loop of links": ("loop", "Too many levels")}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_found_out_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    below, message = ODD[name]
    with pytest.raises(BadInput, match=rf"cannot read .* \({message}.*\): check data.root and its permissions"):
        kind(tmp_path / below)
