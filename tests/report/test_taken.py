"""Which diagnostics the runs took."""

from pathlib import Path

from bnlab.report.taken import taken

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
    """A run's folder for each config; None: without one."""
    for number, config in enumerate(configs):
        (folder / str(number)).mkdir()
        if config is not None:
            (folder / str(number) / "config.yaml").write_text(config)
    return sorted(folder.iterdir())


def test_diagnostics_of_the_same_times_stand_together(tmp_path: Path) -> None:
    folders = runs(tmp_path, *(CONFIG.format(seed=seed, when="null") for seed in range(3)))
    assert taken(folders) == [
        ("diagnostics", "init, last: stable_rank, site_drift; init, log: moments"),
        ("when", "each diagnostic's own"),
    ]


def test_runs_may_differ(tmp_path: Path) -> None:
    one = CONFIG.format(seed=0, when="[init, epoch]")
    folders = runs(tmp_path, one, one, "diagnostics: {}\nwhen: null\n", None, "diagnostics:\n  a: [\n")
    listed = "init, last: stable_rank, site_drift; init, log: moments"
    assert taken(folders) == [
        ("diagnostics", f"none (3 runs) | {listed} (2 runs)"),
        ("when", "each diagnostic's own (3 runs) | init, epoch (2 runs)"),
    ]
