"""What configs make of torch's settings."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from bnlab.config import build

SETTINGS = (torch.backends.cuda.matmul, torch.backends.cudnn)


@pytest.fixture
def restored() -> Iterator[None]:
    """Restore torch's settings afterwards."""
    before = [settings.allow_tf32 for settings in SETTINGS]
    yield
    for settings, value in zip(SETTINGS, before, strict=True):
        settings.allow_tf32 = value


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("precision", ["tf32", "float32", "float64", "bfloat16"])
def test_only_tf32_rounds_factors(precision: str) -> None:
    for settings in SETTINGS:
        settings.allow_tf32 = precision != "tf32"
    build.set_precision(SimpleNamespace(run={"precision": precision}))  # type: ignore[arg-type]
    assert [settings.allow_tf32 for settings in SETTINGS] == [precision == "tf32"] * 2
