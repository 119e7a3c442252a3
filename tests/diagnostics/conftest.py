"""Sites as the step hands them to a diagnostic."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

Sites = dict[str, tuple[Tensor, ...]]

# Shapes of one firing (B, ...): a layer, a picture, one value, an uneven one.
SHAPES = ((16, 8), (4, 3, 5, 5), (1, 1), (7, 3))


@pytest.fixture
def random_sites() -> Callable[..., Sites]:
    """A site of each shape with values of another size each, one that fires three times, and a tanh's outputs."""

    def make(replicas: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Sites:
        draw = torch.Generator().manual_seed(seed)

        def normal(shape: Sequence[int], size: float) -> Tensor:
            values = torch.randn(replicas, *shape, generator=draw, dtype=torch.float64)
            return (size * values + size).to(dtype)

        sites = {f"site{i}": (normal(shape, 10.0 ** (i - 1)),) for i, shape in enumerate(SHAPES)}
        sites["cell"] = tuple(normal((6, 4), k + 1.0) for k in range(3))
        return sites | {"units.0.after_act": (normal((5, 4, 3), 1.0).tanh(),)}

    return make
