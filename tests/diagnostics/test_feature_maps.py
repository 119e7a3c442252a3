"""Feature maps compared with the sites' outputs in a plain net."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.feature_maps import FeatureMaps
from bnlab.norms.site import tape
from bnlab.training.divergence import Divergence
from bnlab.training.journal import Entry, Journal
from bnlab.training.state import Output
from tests.diagnostics.small import Training, fixed_batch
from tests.training.parts import Memory

Maps = dict[str, np.ndarray[Any, Any]]


def maps(training: Training, examples: list[int], channels: list[int]) -> list[Maps]:
    """Return the kept arrays of each replica."""
    diagnostic = FeatureMaps(when=["init"], examples=examples, channels=channels)
    found: list[Maps] = [{} for _ in training.seeds]
    for site, values in diagnostic.observe(training.look()).items():
        for r, arrays in enumerate(found):
            (row,) = diagnostic.rows(3, site, values[r].double().numpy())
            arrays.update(row)
    return found


def expected(training: Training, replica: int, examples: list[int], channels: list[int]) -> Maps:
    x, _ = fixed_batch(training.net)
    with training.noise(replica), torch.no_grad(), tape(before=True) as seen:
        training.plain(replica)(x)
    normed = seen.before.keys() & seen.after.keys()
    arrays = {f"{site}.before": seen.before[site][0] for site in normed}
    arrays |= {f"{site}.after": values[0] for site, values in seen.after.items()}
    return {
        name: np.stack([[x[e, c].numpy() for c in channels if c < x.shape[1]] for e in examples])
        for name, x in arrays.items()
        if x.ndim == 4
    }


@pytest.mark.parametrize("net", ["cnn", "resnet"])
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equal_what_passes_a_plain_net(net: str, seeds: tuple[int, ...]) -> None:
    training = Training(net, seeds)
    for _ in range(2):
        before = training.tensors()
        for r, found in enumerate(maps(training, [0, 4], [0, 3, 2])):
            wanted = expected(training, r, [0, 4], [0, 3, 2])
            assert found.keys() == wanted.keys()
            for name, array in found.items():
                assert array.dtype == np.float32
                np.testing.assert_allclose(array, wanted[name], rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
        training.step()


def test_a_site_without_norm_has_what_it_passes_on() -> None:
    (found,) = maps(Training("cnn", (0,)), [0], [0])
    assert [name for name in found if name.startswith("units.0")] == [
        "units.0.before_act.before", "units.0.before_act.after", "units.0.after_act.after",
    ]  # fmt: skip
    assert all(array.shape[:2] == (1, 1) for array in found.values())


@pytest.mark.parametrize("net", ["mlp", "lstm"])
def test_what_is_no_picture_has_none(net: str) -> None:
    assert maps(Training(net, (0,)), [0], [0]) == [{}]


def test_examples_and_channels_that_there_are_not_are_left_out() -> None:
    (found,) = maps(Training("cnn", (0,)), [5, 6], [2, 5, 6])
    assert found["units.0.before_act.before"].shape == (1, 1, 6, 6)
    assert found["units.1.before_act.before"].shape == (1, 2, 3, 3)


def test_a_journal_hands_each_replica_its_arrays() -> None:
    training, diagnostic = Training("cnn", (0, 1)), FeatureMaps(when=["init"], examples=[0, 1], channels=[0])
    recorders = [Memory(), Memory()]
    output = Output(torch.zeros(2), observed={"feature_maps": diagnostic.observe(training.look())})
    journal = Journal(recorders, [Divergence(), Divergence()], {"feature_maps": diagnostic})
    journal.add(Entry(5, 0.5, 40, [0.1, 0.1], 1.0, False, output))
    journal.flush()
    for recorder, wanted in zip(recorders, maps(training, [0, 1], [0]), strict=True):
        (arrays,) = recorder.arrays.items()
        assert arrays[0] == "feature_maps_5"
        np.testing.assert_equal(arrays[1], wanted)


def test_what_is_not_finite_shows() -> None:
    training = Training("cnn", (0,))
    with torch.no_grad():
        training.state.params["units.0.weight.weight"][0] = torch.nan
    (found,) = maps(training, [0], [0, 1])
    before = found["units.0.before_act.before"]
    assert np.isnan(before[0, 0]).all()
    assert np.isfinite(before[0, 1]).all()
