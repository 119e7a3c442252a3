"""The diagnostics that the runs took."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.report.recorded_options import recorded_options

CONFIG = """seed: {seed}
when: {when}
diagnostics:
  stable_rank:
    when:
    - init
    - last
  moments:
    when: [init, log]
  site_drift:
    when:
    - init
    - last
    bins: 3
data:
  name: digits
"""


def runs(folder: Path, *configs: str | None) -> list[Path]:
    """Write a run's folder for each config; None: without one."""
    for number, config in enumerate(configs):
        (folder / str(number)).mkdir()
        if config is not None:
            (folder / str(number) / "config.yaml").write_text(config)
    return sorted(folder.iterdir())


def test_diagnostics_of_the_same_times_stand_together(tmp_path: Path) -> None:
    folders = runs(tmp_path, *(CONFIG.format(seed=seed, when="null") for seed in range(3)))
    assert recorded_options(folders).settings == [
        ("diagnostics", "init, last: stable_rank, site_drift; init, log: moments"),
        ("when", "each diagnostic's own"),
    ]


def test_runs_may_differ(tmp_path: Path) -> None:
    one = CONFIG.format(seed=0, when="[init, epoch]")
    folders = runs(tmp_path, one, one, "diagnostics: {}\nwhen: null\n", None, "diagnostics:\n  a: [\n")
    listed = "init, last: stable_rank, site_drift; init, log: moments"
    assert recorded_options(folders).settings == [
        ("diagnostics", f"{listed} (2 runs) | none (2 runs)"),
        ("when", "init, epoch (2 runs) | each diagnostic's own (2 runs)"),
    ]
    assert list(recorded_options(folders).damaged) == [tmp_path / "4" / "config.yaml"]  # and not counted


def bomb() -> str:
    """Return an alias bomb: twenty lists, each nine times the one before."""
    lines = ["  l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 20)]
    return "diagnostics:\n" + "\n".join(lines) + "\n"


DAMAGED: dict[str, tuple[str | bytes, str]] = {
    "no YAML": ("diagnostics:\n  a: [\n", "not YAML"),
    "a quote that does not close": ("when: '\n", "not YAML"),
    "a tab": ("when:\n  \t- a\n -\t\n: x", ""),
    "no UTF-8": (b"seed: 0\nwhen: \xff\n", "no UTF-8 text"),
    "UTF-16": ("when: [init]\n".encode("utf-16"), "UTF-16 text"),
    "control characters": (b"when: \x00\n", "not YAML"),
    "no mapping": ("- a\n- b\n", "it contains no settings"),
    "a word": ("hello", "it contains no settings"),
    "empty": ("", "it contains no settings"),
    "nested 10,000 deep": ("diagnostics: " + "[" * 10_000 + "\n", "nested too deeply"),
    "an alias bomb": (bomb(), "diagnostics.l0"),
    "an alias of itself": ("when: &a [*a]\n", "not YAML"),
    "a merge bomb": ("diagnostics:\n  a: &a {x: 1}\n  b: {<<: [*a, *a]}\nwhen: {a: 1}\n", "when"),
    "an object": ("diagnostics: !!python/object/apply:os.mkdir [executed]\n", "diagnostics"),
    "a list of diagnostics": ("diagnostics: [moments]\n", "diagnostics: Input should be a valid dictionary"),
    "a diagnostic that is a word": ("diagnostics:\n  moments: often\n", "diagnostics.moments"),
    "moments in lists": ("diagnostics:\n  moments:\n    when: [[init]]\n", "diagnostics.moments.when"),
    "a mapping of moments": ("when: {init: true}\n", "when"),
    "a key that is a list": ("diagnostics:\n  ? [a]\n  : b\n", "not YAML"),
    "megabytes": ("when: [init]\n" + "#" * (2 << 20), "bytes, more than 1,048,576"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_config_is_named_and_counts_for_nothing(content: str | bytes, reason: str, tmp_path: Path) -> None:
    sound, odd = runs(tmp_path, CONFIG.format(seed=0, when="null"), "")
    (odd / "config.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    found = recorded_options([sound, odd])
    assert found.settings == recorded_options([sound]).settings
    assert list(found.damaged) == [odd / "config.yaml"]
    line = found.damaged[odd / "config.yaml"]
    assert line.startswith(f"{odd / 'config.yaml'} cannot be read (")
    assert reason in line
    assert "\n" not in line
    assert not Path("executed").exists()


ODD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a FIFO": (os.mkfifo, "it is a FIFO"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "a link to a file that does not exist"),
}


@pytest.mark.parametrize(("make", "reason"), ODD_FILES.values(), ids=ODD_FILES)
def test_a_config_that_is_no_file_is_named(make: Callable[[Path], Any], reason: str, tmp_path: Path) -> None:
    (odd,) = runs(tmp_path, None)
    make(odd / "config.yaml")
    assert reason in recorded_options([odd]).damaged[odd / "config.yaml"]


ODD_VALUES = {
    "a date that is none": ("when: 2020-99-99\n", ("when", "2020-99-99")),
    "a number": ("when: 10\n", ("when", "10")),
    "numbers": ("when: [1, 2.5]\n", ("when", "1, 2.5")),
    "5,000 digits": (f"when: {'9' * 5000}\n", ("when", "9" * 132 + "…" + "9" * 67)),
    "a bidirectional override": ('when: "a\u202eb"\n', ("when", "a\ufffdb")),
    "null": ("when: ~\n", ("when", "each diagnostic's own")),
    "of another key, damaged": ("when: init\nmodel: [[[\n", ("when", "init")),
}


@pytest.mark.parametrize(("text", "expected"), ODD_VALUES.values(), ids=ODD_VALUES)
def test_odd_moments_are_shown_as_they_are(text: str, expected: tuple[str, str], tmp_path: Path) -> None:
    found = recorded_options(runs(tmp_path, text))
    assert expected in found.settings
    assert found.damaged == {}
