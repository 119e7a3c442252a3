"""Fixtures: jobs of a small sweep, and a Slurm that starts nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.sweeps.job import Job, Jobs
from bnlab.sweeps.layout.plugin import register
from tests.sweeps.cluster.fake import FakeSlurm

Make = Callable[..., list[Job]]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    return FakeSlurm(tmp_path / "fake", monkeypatch)


@pytest.fixture
def jobs(tmp_path: Path) -> Make:
    """Jobs of so many seeds with launcher=slurm and these overrides, in the study tmp_path/main."""
    register()

    def make(seeds: int, *words: str) -> list[Job]:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            composer, made = Composer(hydra.config_loader), Jobs()
            shared: Sequence[str] = ["steps=4", f"output_dir={tmp_path}", "launcher=slurm", *words]
            return [made.job(composer.compose([*shared, f"seed={n}"]), [*shared, f"seed={n}"]) for n in range(seeds)]

    return make
