"""Parameters and buffers are named with their shapes in letters."""

from collections.abc import Callable

import pytest

from bnlab.errors import Refused
from bnlab.zoo.specimen import Specimen
from bnlab.zoo.tensors import tensors


def test_letters(at_defaults: Callable[..., Specimen]) -> None:
    assert tensors(at_defaults("mean_only_batch")) == ("bias (C)", "running_mean (C), num_batches_tracked ()")
    assert tensors(at_defaults("spectral")) == ("", "u (O), v (I·K·K)")
    with pytest.raises(Refused):
        tensors(at_defaults("group", groups=5))
