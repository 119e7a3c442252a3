"""What a machine's memory is, and how sizes are told."""

from pathlib import Path

import pytest

from bnlab import memory
from bnlab.errors import BadInput


@pytest.mark.parametrize(
    ("size", "says"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (23_540_000_000, "23.5 GB"), (999 * 10**12, "999 TB"),
     (8 * 10**21, "8,000,000 PB")],
)  # fmt: skip
def test_sizes_in_words(size: int, says: str) -> None:
    assert memory.shown(size) == says


@pytest.mark.parametrize("content", ["1000000", "max", "", "rubbish"])
def test_what_a_container_allows_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    machine = memory.total()
    (tmp_path / "memory.max").write_text(content)
    monkeypatch.setattr(memory, "LIMITS", (tmp_path / "memory.max", tmp_path / "nowhere"))
    assert memory.total() == 1_000_000 if content == "1000000" else machine <= memory.total()


def test_too_much_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "total", lambda: 10_000)
    memory.require(10_000, "the data", "take fewer")
    with pytest.raises(BadInput, match=r"^the data would take 10\.0 kB of memory, but this machine has 10\.0 kB: take"):
        memory.require(10_001, "the data", "take fewer")
    with pytest.raises(BadInput, match="but the device has 5 bytes"):
        memory.require(6, "the data", "take fewer", there=5)
