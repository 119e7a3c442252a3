"""Norms that keep the weights' scale are found to."""

from bnlab.config.folder import conf_dir
from bnlab.laws.scale import ScaleInvariance

KEEP_THEIR_SCALE = ["none", "mean_only_batch"]


def test_where_the_scale_stays_the_invariance_is_missed() -> None:
    law = ScaleInvariance(norms=KEEP_THEIR_SCALE)
    rows = law.rows(law.measure())
    assert [row.verdict for row in rows] == ["does not hold"] * 2
    assert min(row.measured for row in rows) > 0.1


def test_all_norms_of_conf_are_measured_unless_some_are_named() -> None:
    assert set(ScaleInvariance().norms) == {path.stem for path in (conf_dir() / "norm").glob("[!_]*.yaml")}


def test_epsilon_breaks_the_invariance() -> None:
    ((tiny, usual),) = ScaleInvariance(norms=["batch"]).measure().values()
    assert tiny.largest < 1e-10 < usual.largest < 1e-2
