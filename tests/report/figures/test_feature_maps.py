"""The sheet of images."""

import math
import warnings
from typing import Any

import numpy as np
import pytest

from bnlab.report.figures.feature_maps import draw
from bnlab.report.interface import Drawn, Missing


def keep(writer: Any, step: int, **images: Any) -> None:
    """Arrays of a look; `a_before` is site `units.a.before_act`, before."""
    named = {f"units.{name[0]}.before_act.{name[2:]}": image for name, image in images.items()}
    (writer.folder / "arrays").mkdir(exist_ok=True)
    np.savez(writer.folder / "arrays" / f"feature_maps_{step}.npz", **named)


def maps(value: float, examples: int = 2, channels: int = 4, side: int = 3) -> Any:
    count = examples * channels * side * side
    return value + np.arange(count, dtype=np.float32).reshape(examples, channels, side, side)


def test_pixels_of_the_last_look_at_the_first_and_last_normed_site(study: Any, frame_of: Any) -> None:
    run = study.run("batch", seed=0)
    for step, shift in ((0, 0.0), (12, 1000.0), (7, 5.0)):
        sites = {f"{site}_{side}": maps(shift + n) for n, site in enumerate("abc") for side in ("before", "after")}
        keep(run, step, **sites)
    keep(study.run("batch", seed=1), 12, a_after=maps(0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data[["site", "side"]].drop_duplicates().to_numpy().tolist() == [
        ["units.a.before_act", "before"], ["units.a.before_act", "after"], ["units.c.before_act", "before"],
        ["units.c.before_act", "after"],
    ]  # fmt: skip
    assert set(drawn.data["step"]) == {12}
    assert set(drawn.data["seed"]) == {0}
    one = drawn.data[(drawn.data["site"] == "units.c.before_act") & (drawn.data["side"] == "after")]
    one = one[(one["example"] == 1) & (one["channel"] == 2)]
    assert one[["x0", "x1", "x2"]].to_numpy().tolist() == maps(1002)[1, 2].tolist()


def test_a_condition_without_norm_has_one_row_at_the_same_site(study: Any, frame_of: Any) -> None:
    keep(study.run("none"), 3, a_after=maps(0), b_after=maps(0))
    keep(study.run("batch"), 3, a_after=maps(0), b_before=maps(0), b_after=maps(0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    words = [axes.get_ylabel().split("\n") for axes in drawn.figure.axes if axes.get_ylabel()]
    assert words == [
        ["none, lr 0.1", "units.b.before_act", "without norm"],
        ["batch, lr 0.1", "units.b.before_act", "before the norm"],
        ["batch, lr 0.1", "units.b.before_act", "after the norm"],
    ]


def test_a_row_shares_its_scale_of_greys(study: Any, frame_of: Any) -> None:
    image = maps(0)
    image[1, 3, 2, 2] = math.inf
    keep(study.run(), 3, a_before=image, a_after=maps(math.nan))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    before, after = (axes.images[0] for axes in drawn.figure.axes if axes.images)
    assert before.get_cmap().name == "gray"
    assert (before.norm.vmin, before.norm.vmax) == (0, 70)
    assert before.get_array().mask[2, -1]
    assert (after.norm.vmin, after.norm.vmax) == (0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn.figure.draw_without_rendering()


def test_images_of_other_sizes_and_many_channels(study: Any, frame_of: Any) -> None:
    keep(study.run("none"), 3, a_after=maps(0, 1, 1, 5), b_after=maps(0, 9, 9, 2))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data.groupby("site")[["example", "channel"]].max().to_numpy().tolist() == [[0, 0], [1, 3]]
    assert drawn.data[drawn.data["site"] == "units.b.before_act"][["x2", "x3", "x4"]].isna().all(axis=None)
    drawn.figure.draw_without_rendering()


def test_more_conditions_than_there_is_room_for(study: Any, frame_of: Any) -> None:
    for norm in ("none", "batch", "layer", "group", "rms"):
        keep(study.run(norm), 3, a_after=maps(0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert "4 of 5 conditions are drawn. " in drawn.caption
    assert drawn.data["condition"].nunique() == 4


@pytest.mark.parametrize("channels", [[], [1]])
def test_nothing_chosen_is_nothing_to_draw(study: Any, frame_of: Any, channels: list[int]) -> None:
    keep(study.run(), 3, a_after=maps(0)[:, [*channels]])
    assert isinstance(draw(frame_of(study)), Drawn if channels else Missing)
