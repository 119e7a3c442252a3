"""Reading of intact and damaged checkpoints."""

import io
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bnlab.training import checkpoint

PAYLOAD = {
    "step": 7, "lengths": {"steps": 12}, "params": {"weight": torch.randn(40, 30)}, "schedule": {"rate": 0.5},
    "slots": {"velocity": [torch.randn(40, 30)]},
}  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    checkpoint.save(path, PAYLOAD)
    return path


@pytest.fixture(scope="module")
def content(path: Path) -> bytes:
    return path.read_bytes()


def test_none_there(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "checkpoint.pt") is None


@given(st.data())
def test_a_damaged_one_is_unreadable_or_says_what_the_whole_one_said(
    path: Path, content: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = bytearray(content)
    if data.draw(st.booleans()):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        damaged[at : at + 512] = bytes(len(damaged[at : at + 512]))
    path.write_bytes(bytes(damaged))
    found = checkpoint.load(path)
    if found is not None:
        torch.testing.assert_close(found, PAYLOAD, rtol=0, atol=0)


@given(st.data())
def test_a_cut_one_is_unreadable(path: Path, content: bytes, data: st.DataObject) -> None:
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert checkpoint.load(path) is None


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_unreadable(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    assert checkpoint.load(path) is None
    assert checkpoint.load_pack(path, ["a"]) is None


def test_what_no_run_wrote_is_unreadable(path: Path) -> None:
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    path.write_bytes(buffer.getvalue())
    assert checkpoint.load(path) is None
