"""IDX files, plain and compressed."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from bnlab.data import idx as module
from bnlab.errors import BadInput

from .written import idx

VALUES = {"images": np.arange(5 * 4 * 3).reshape(5, 4, 3), "labels": np.arange(7), "none": np.zeros((0, 4, 3))}


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_values_come_back(name: str, packed: bool, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = VALUES[name]
    path = tmp_path / "x"
    idx(path, values)
    content = path.read_bytes()
    if packed:
        path = tmp_path / "x.gz"
        path.write_bytes(gzip.compress(content))
    monkeypatch.setattr(module, "BLOCK", block)
    assert module.check(path, values.ndim) == values.shape
    assert np.array_equal(module.values(path, values.ndim), values)
    size, blocks = module.blocks(path, values.ndim)
    whole = b"".join(blocks)
    assert (size, whole) == (len(content), content)


def test_a_file_of_other_dimensions_is_refused(tmp_path: Path) -> None:
    idx(tmp_path / "x", VALUES["labels"])
    with pytest.raises(BadInput, match="x is not an IDX file of 3 dimensions"):
        module.check(tmp_path / "x", 3)
