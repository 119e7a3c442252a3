"""What the command line makes of a machine that refuses, of signals and of faults."""

import errno
import importlib.metadata
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import bnlab as package
from bnlab import cli
from bnlab.errors import environmental, is_environmental

Call = Callable[..., tuple[int, str, str]]


def verb(monkeypatch: pytest.MonkeyPatch, run: Callable[[list[str]], int]) -> None:
    """Let every verb do this."""
    monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(run=run))


def raising(error: BaseException) -> Callable[[list[str]], int]:
    def run(words: list[str]) -> int:
        raise error

    return run


REFUSALS = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "make room",
    errno.EROFS: "a writable disk",
    errno.EACCES: "permissions",
    errno.EPERM: "permissions",
    errno.EMFILE: "ulimit -n",
    errno.ENFILE: "ulimit -n",
    errno.ENOMEM: "memory",
    errno.EAGAIN: "ulimit -u",
    errno.EIO: "check the disk",
    errno.ESTALE: "check the disk",
    errno.ELOOP: "another path",
    errno.ENAMETOOLONG: "another path",
    errno.ENOTDIR: "another path",
    errno.EISDIR: "another path",
}


@pytest.mark.parametrize("number", REFUSALS)
def test_what_a_machine_refuses_is_one_line(bnlab: Call, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    verb(monkeypatch, raising(OSError(number, os.strerror(number), "outputs/x")))
    status, out, err = bnlab("status", "x")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"bnlab: {os.strerror(number)} (outputs/x): ")
    assert REFUSALS[number] in err
    assert "make room" not in err or REFUSALS[number] == "make room"


def test_each_refusal_has_its_remedy() -> None:
    for number in REFUSALS:
        error = OSError(number, "reason")
        assert is_environmental(error)
        assert environmental(error).startswith("reason: ")
    assert not is_environmental(ValueError())
    assert not is_environmental(OSError("without a number"))


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), OSError("x"), RuntimeError("x"), FileNotFoundError(2, "x", "y")]
)
def test_a_fault_of_the_program_shows_its_traceback(
    bnlab: Call, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    verb(monkeypatch, raising(error))
    with pytest.raises(type(error)):
        bnlab("status", "x")


@pytest.mark.parametrize("name", ["sweep", "status"])
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_a_line(
    bnlab: Call, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals, status: int, name: str
) -> None:
    def run(words: list[str]) -> int:
        signal.raise_signal(sign)
        return 0

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a shell, or nohup, may have taken both from the tests
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    verb(monkeypatch, run)
    try:
        found = bnlab(name)
        assert {number: signal.getsignal(number) for number in handlers} == handlers
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGHUP, hangup)
    assert (found[0], found[2].count("\n")) == (status, 1)
    assert ("the same command resumes where it stopped" in found[2]) == (name == "sweep")


def test_what_nohup_has_set_stays(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(words: list[str]) -> int:
        signal.raise_signal(signal.SIGHUP)
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    verb(monkeypatch, run)
    try:
        assert bnlab("status", "x")[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_working_folder_that_is_gone(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        for words in (["train"], ["list"], ["status", "x"]):
            status, out, err = bnlab(*words)
            assert (status, out, err.count("\n")) == (2, "", 1)
            assert "working folder no longer exists" in err
        assert bnlab("--help")[0] == 0
    finally:
        os.chdir(tmp_path)


def test_a_pipe_that_nobody_reads_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "bnlab", "list"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [["list"], ["list", "norm"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_named(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bnlab", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left on device (standard output)" in done.stderr


def test_the_version_of_a_checkout_that_is_not_installed(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = package.__version__
    version = importlib.metadata.version

    def missing(name: str) -> str:
        if name == "bnlab":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert package.__version__ == installed
    assert bnlab("--version")[1] == f"bnlab {installed}\n"
    from bnlab.sweeps.running.provenance import versions

    versions.cache_clear()
    assert versions()["bnlab"] == installed
    versions.cache_clear()


def test_a_message_of_several_lines_is_one(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from bnlab.errors import BadInput

    verb(monkeypatch, raising(BadInput("a\x1b[31m\n  b\r\nc")))
    status, _, err = bnlab("status", "x")
    assert (status, err) == (2, "bnlab: a␛[31m b c\n")


def test_standard_output_may_be_any_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert cli.main(["--version"]) == 0
