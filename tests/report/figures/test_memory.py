"""Memory by kind of layer."""

from typing import Any

import pytest

from bnlab.report.figures.memory import draw
from bnlab.report.interface import Drawn

MIB = 2**20


def kept(**kinds: int) -> list[tuple[Any, ...]]:
    """Two layers of each kind at two steps; the second look is twice as large."""
    return [
        (step, f"units.{unit}.{kind}", "kept_bytes", (1 + step) * size * MIB // 2, kind)
        for step in (0, 1)
        for kind, size in kinds.items()
        for unit in (0, 1)
    ]


def test_layers_of_one_kind_together_and_the_norm_by_one_name(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run("none"), kept(Linear=4, ReLU=2))
    record(study.run("batch", seed=0), kept(batch=3, Linear=4, ReLU=2))
    record(study.run("batch", seed=1), kept(batch=9, Linear=9, ReLU=9))
    record(study.run("layer"), kept(layer=1, Linear=4, ReLU=2))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data[["condition", "kind", "bytes"]].to_numpy().tolist() == [
        ["none", "Linear", 4 * MIB], ["none", "ReLU", 2 * MIB], ["batch", "Linear", 4 * MIB],
        ["batch", "ReLU", 2 * MIB], ["batch", "the norm", 3 * MIB], ["layer", "Linear", 4 * MIB],
        ["layer", "ReLU", 2 * MIB], ["layer", "the norm", 1 * MIB],
    ]  # fmt: skip
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["the norm", "Linear", "ReLU"]
    (axes,) = drawn.figure.axes
    assert [text.get_text() for text in axes.texts] == ["6.00", "9.00", "7.00"]
    bars = [bar for bar in axes.patches if bar.get_y() < 1 < bar.get_y() + bar.get_height()]
    assert [edge for bar in bars for edge in (bar.get_x(), bar.get_width())] == pytest.approx([0, 3, 3, 4, 7, 2])


def test_parts_can_be_told_apart_in_grey(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run("batch"), kept(batch=1, **{f"Kind{n}": 20 - n for n in range(9)}))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    (axes,) = drawn.figure.axes
    looks = [(bar.get_facecolor(), bar.get_hatch()) for bar in axes.patches]
    assert len(set(looks)) == len(looks) == 7
    assert all(face[0] == face[1] == face[2] for face, _ in looks)
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()][-1] == "others"
    assert axes.patches[-1].get_width() == pytest.approx(sum(20 - n for n in range(5, 9)))
    assert len(drawn.data) == 10


def test_the_table_names_who_kept_nothing(study: Any, record: Any, frame_of: Any) -> None:
    study.run("none")
    record(study.run("batch"), kept(Linear=1))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert "Not recorded by any complete run: none. " in drawn.caption
