"""Times are positive ratios; how large they are is not tested."""

from collections.abc import Callable

import pytest
import torch

from bnlab.zoo import timing
from bnlab.zoo.specimen import Specimen


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time sizes of a few elements."""
    vectors, images = (8, 4), (8, 4, 2, 2)
    cases = {"time_mlp": (vectors, torch.contiguous_format), "time_images": (images, torch.channels_last)}
    monkeypatch.setattr(timing, "CASES", cases)
    monkeypatch.setattr(timing, "_WEIGHTS", {vectors: (4, 4), images: (4, 4, 3, 3)})


def test_ratios_with_intervals(at_defaults: Callable[..., Specimen]) -> None:
    for name in ("batch", "noisy_batch", "weight_mean_only_batch", "spectral"):
        found = timing.times(at_defaults(name), at_defaults("batch"), rounds=3)
        assert found.keys() == {"time_mlp", "time_images"}
        for ratio in found.values():
            assert ratio is not None
            assert 0 < ratio.low <= ratio.median <= ratio.high


def test_what_is_refused_has_no_time(at_defaults: Callable[..., Specimen]) -> None:
    assert timing.times(at_defaults("instance"), at_defaults("batch"), rounds=2)["time_mlp"] is None


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with timing.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
