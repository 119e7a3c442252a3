"""Shared by all tests: the command line called in process, and Hypothesis without a clock."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from bnlab import cli
from bnlab.report.interface import modules
from tests import composed

# No example fails because the machine is slow or busy.
settings.register_profile("bnlab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bnlab")

composed.remember()

# Each pytest worker has one core, so that launcher=auto starts no processes, which load torch for some seconds.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")

DEVICE = "BNLAB_TEST_DEVICE"
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", choices=("cpu", "cuda"), help="where contract tests train")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the device of contract tests, and keep the tests' folders in memory if there is room.

    Every run syncs its files, and a disk takes 5 ms for each.
    """
    os.environ[DEVICE] = config.getoption("--device")
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_finish() -> None:
    """Leave what is loaded by now, modules and thousands of tests, out of every later collection of garbage."""
    gc.collect()
    gc.freeze()


class Called(NamedTuple):
    """How a call of the command line ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def bnlab(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Called]:
    """Call `bnlab` in this process with these words; wide enough that no line wraps."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> Called:
        capsys.readouterr()
        status = cli.main(list(words))
        return Called(status, *capsys.readouterr())

    return call


@pytest.fixture
def one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw one figure in each report: all take 20 s, and tests/report draws them."""

    def few(room: str) -> dict[str, Any]:
        return {name: module for name, module in modules(room).items() if room == "tables" or name == "accuracy_vs_lr"}

    monkeypatch.setattr("bnlab.report.builder.modules", few)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what contract tests recorded, over all workers: what trained, and what was refused for which reason."""
    reports = terminalreporter.getreports("passed")
    recorded = [(key, value) for report in reports for key, value in report.user_properties]
    counts = Counter(value for key, value in recorded if key == "contract")
    for outcome, count in sorted(counts.items(), reverse=True):
        terminalreporter.write_line(f"contract cells: {count} {outcome}")
