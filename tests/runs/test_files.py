"""The door to a study's files: what is read, what is refused, and that nothing is written through a link."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlab.runs.atomic import leftovers, write_atomic
from bnlab.runs.files import Foreign, Unreadable, check_own, make_folder, open_own, read_bytes, read_json, read_text


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's path has 100 characters at most
        one.bind(path.name)
        os.chdir(before)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def deep(path: Path) -> None:
    path.write_text("[" * 100_000 + "]" * 100_000)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


# (what makes the file, what the reason names)
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "FIFO": (fifo, "a FIFO"),
    "socket": (unix_socket, "No such device"),
    "folder": (Path.mkdir, "a folder"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "does not exist"),
    "link to itself": (loop, "symbolic links"),
    "sparse file of a terabyte": (large, "1,099,511,627,776 bytes"),
    "no UTF-8": (lambda path: path.write_bytes(b'{"a": "\xff"}'), "no UTF-8"),
    "empty": (lambda path: path.write_bytes(b""), "Expecting value"),
    "zeros": (lambda path: path.write_bytes(bytes(100)), "Expecting value"),
    "torn": (lambda path: path.write_text('{"a": '), "Expecting value"),
    "nested 100,000 times": (deep, "nested too deeply"),
    "a number of 5,000 digits": (lambda path: path.write_text("9" * 5000), "4300"),
    "NaN": (lambda path: path.write_text('{"a": NaN}'), "NaN"),
    "Infinity": (lambda path: path.write_text('{"a": -Infinity}'), "-Infinity"),
    "byte order mark of UTF-16": (lambda path: path.write_text("{}", encoding="utf-16"), "UTF-16"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_json_file_is_refused_with_its_path_and_reason(tmp_path: Path, odd: str) -> None:
    make, reason = ODD[odd]
    make(tmp_path / "x.json")
    with pytest.raises(Unreadable, match=r"x\.json cannot be read \(") as error:
        read_json(tmp_path / "x.json")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_by_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    assert read_text(tmp_path / "link") == "text"
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "file" / "below")


def test_what_a_name_holds_does_not_reach_the_message_raw(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\nb"
    path.mkdir()
    with pytest.raises(Unreadable) as error:
        read_bytes(path)
    assert str(error.value).isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_unreadable(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    try:
        read_json(path)
    except Unreadable as error:
        assert "any.json" in str(error)  # noqa: PT017


WRITERS: dict[str, Callable[[Path], object]] = {
    "open": lambda path: open_own(path).close(),
    "check": check_own,
}
IN_THE_WAY: dict[str, Callable[[Path, Path], object]] = {
    "link to a file": lambda path, target: path.symlink_to(target),
    "link to nothing": lambda path, target: path.symlink_to(target.parent / "nowhere"),
    "link to a device": lambda path, target: path.symlink_to("/dev/null"),
    "FIFO": lambda path, target: os.mkfifo(path),
    "folder": lambda path, target: path.mkdir(),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("way", IN_THE_WAY)
def test_nothing_is_written_where_something_else_stands(tmp_path: Path, writer: str, way: str) -> None:
    target = tmp_path / "target"
    target.write_text("the user's")
    IN_THE_WAY[way](tmp_path / "ours", target)
    with pytest.raises(Foreign, match=r"ours cannot be written \(.*bnlab did not create"):
        WRITERS[writer](tmp_path / "ours")
    assert target.read_text() == "the user's"
    assert not (tmp_path / "nowhere").exists()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("the user's")
    (tmp_path / "ours").symlink_to("target")
    write_atomic(tmp_path / "ours", "new")
    assert (tmp_path / "target").read_text() == "the user's"
    assert (tmp_path / "ours").read_text() == "new"
    assert not (tmp_path / "ours").is_symlink()


def test_a_file_with_two_names_is_written_under_one(tmp_path: Path) -> None:
    (tmp_path / "snapshot").write_text("before\n")
    os.link(tmp_path / "snapshot", tmp_path / "ours")
    with open_own(tmp_path / "ours") as file:
        file.write(b"after\n")
    assert (tmp_path / "ours").read_text() == "before\nafter\n"
    assert (tmp_path / "snapshot").read_text() == "before\n"


def test_a_folder_is_made_but_not_by_a_link(tmp_path: Path) -> None:
    make_folder(tmp_path / "new")
    make_folder(tmp_path / "new")
    (tmp_path / "link").symlink_to("new")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(Foreign, match=name):
            make_folder(tmp_path / name)


def test_only_our_temporary_files_are_leftovers(tmp_path: Path) -> None:
    ours = ".run.json.bnlab-0123abcd.tmp"
    theirs = [
        ".run.json.tmp",
        ".x.tmp",
        "run.json.bnlab-0123abcd.tmp",
        ".other.bnlab-0123abcd.tmp",
        ".run.json.0123abcd.tmp",
    ]
    for name in [ours, *theirs]:
        (tmp_path / name).touch()
    (tmp_path / ".run.json.bnlab-00000000.tmp").symlink_to("run.json")
    assert [path.name for path in leftovers(tmp_path, {"run.json"}.__contains__)] == [ours]
