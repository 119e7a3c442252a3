"""What configs make of torch's settings."""

from types import SimpleNamespace

import pytest
import torch

from bnlab.config import build


@pytest.mark.parametrize("precision", ["tf32", "float32", "float64", "bfloat16"])
def test_only_tf32_rounds_factors(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (torch.backends.cuda.matmul, torch.backends.cudnn):
        monkeypatch.setattr(settings, "allow_tf32", precision != "tf32")
    build.set_precision(SimpleNamespace(run={"precision": precision}))  # type: ignore[arg-type]
    assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is (precision == "tf32")
