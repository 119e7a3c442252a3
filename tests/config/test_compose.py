"""The composer gives the same configs as Hydra does one job at a time."""

from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from bnlab.config.compose import Composer, plain
from bnlab.config.folder import conf_dir
from bnlab.errors import BadInput
from bnlab.sweeps.layout.plugin import register

JOBS = (
    [],
    ["seed=3", "optim.lr=1"],
    ["seed=3", "optim.lr=1.0", "norm=layer"],
    ["norm=layer", "norm.eps=1e-3", "model.depth=2"],
    ["model=cnn", "model.depth=2", "placement.after_act=true", "steps=null", "study=a_b"],
    ["study='with a space'", "output_dir=../x", "clip=0.5"],
    ["freeze=[units.0.*,head.*]"],
    ["data=gaussian", "data.shape=[1,8,8]", "when=[1,epoch]", "seed=2"],
    ["freeze=['${study}']", "study=x"],
    ["freeze=null", "when=null"],
    ["data.batch_size=16", "output_dir=${study}", "study=x"],
    ["study=y", "output_dir='${study}'"],
    ["optim=adamw", "schedule=cosine", "schedule.warmup=0.05"],
    ["+norm.more=1", "~norm.eps"],
    ["experiment=demo", "seed=1"],
    ["seed=0", "data.batch_size=16", "steps=1000000000000000000", "optim.lr=1"],
)


@pytest.fixture(scope="module")
def composer() -> Iterator[Composer]:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield Composer(hydra.config_loader)


@pytest.mark.parametrize("overrides", [*JOBS, *JOBS[:4]])  # again: shared parts must be unchanged
def test_as_hydra_composes_it(composer: Composer, overrides: list[str]) -> None:
    theirs = compose("config", overrides, return_hydra_config=True)
    bare = OmegaConf.masked_copy(theirs, [key for key in theirs if key != "hydra"])
    expected = plain(bare, dict(theirs.hydra.runtime.choices))
    found = composer.compose(overrides)
    assert found == expected
    assert list(found.values) == list(expected.values)
    assert {k: type(v) for k, v in found.values["optim"].items()} == {
        k: type(v) for k, v in expected.values["optim"].items()
    }


@pytest.mark.parametrize("word", ["optim.lrr=1", "optim.lr.deep=1", "lr=1", "norm=btach", "seed"])
def test_what_is_not_there_is_refused(composer: Composer, word: str) -> None:
    composer.compose(["seed=1"])
    with pytest.raises(BadInput):
        composer.compose([word])
