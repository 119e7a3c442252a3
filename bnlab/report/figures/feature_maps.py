"""Images before and after a norm."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.arrays import Images, images, looks
from bnlab.report.escaping import clipped
from bnlab.report.figures._chosen import named, spread, thinned, turns
from bnlab.report.figures._recorded import missing
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.runs.files import Unreadable

TITLE = "Feature maps before and after the norm"
ORDER = 58

_CONDITIONS, _SITES, _EXAMPLES, _CHANNELS = 4, 2, 2, 4
_SIDES = ("before", "after")
_GAP = 0.08  # between images, as a share of their width
_ROW = 0.95  # inches


class Maps(NamedTuple):
    """A condition's images (example, channel, H, W) by `<site>.<side>`, with the seed and the step of their look."""

    place: int
    seed: int
    step: int
    images: dict[str, Images]


class Strip(NamedTuple):
    """One row of the sheet."""

    maps: Maps
    site: str
    side: str
    images: Images


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per condition, site and side of the norm, and a column per example and channel."""
    every = [maps for maps in (_last(frame, place) for place in frame.finished) if maps is not None]
    places = turns(frame, [maps.place for maps in every], _CONDITIONS)
    strips = _strips([maps for maps in every if maps.place in places])
    if not strips:
        return missing("feature maps", "diagnostics=[light,feature_maps] and a net for images, such as model=cnn")
    caption = (
        f"Activations of selected channels for selected examples (at most {_CHANNELS} and {_EXAMPLES}, numbered in the "
        f"order of selection) before and after the norm, at the first and the last image site where any "
        f"condition has a norm; a condition without norm there has one row. Each condition's run of the lowest seed at "
        f"its best learning rate, at its last look, in training mode. A row shares its grey scale (in units of the "
        f"activation); values that are not finite are white. {thinned(len(places), len(every), 'conditions')}"
        f"Every run: {frame.configuration}."
    )
    return Drawn(_layout(frame, strips), _data(frame, strips), caption)


def _last(frame: Frame, place: int) -> Maps | None:
    """Return the last readable look of the lowest seed that has one; files that cannot be read are named."""
    for run_id, seed in frame.at_shown(place)[["run_id", "seed"]].itertuples(index=False):
        folder = frame.source.folders[run_id]
        try:
            found, odd = looks(folder, "feature_maps")
        except Unreadable as error:
            frame.damaged[folder / "arrays"] = str(error)
            continue
        frame.damaged.update(odd)
        for step in sorted(found, reverse=True):
            try:
                every = images(found[step])
            except Unreadable as error:
                frame.damaged[found[step]] = str(error)
                continue
            some = {name: one[:_EXAMPLES, :_CHANNELS] for name, one in every.items()}
            return Maps(place, int(seed), step, {name: one for name, one in some.items() if one.size})
    return None


def _strips(every: Sequence[Maps]) -> list[Strip]:
    """Return each condition's sides at the first and the last site where any condition has a norm."""
    names = list(dict.fromkeys(name for maps in every for name in maps.images))
    normed = [name.removesuffix(".before") for name in names if name.endswith(".before")]
    sites = spread(normed or [name.removesuffix(".after") for name in names], _SITES)
    return [
        Strip(maps, site, side, maps.images[f"{site}.{side}"])
        for maps in every
        for site in sites
        for side in _SIDES
        if f"{site}.{side}" in maps.images
    ]


def _data(frame: Frame, strips: Sequence[Strip]) -> pd.DataFrame:
    """Return one row per row of pixels: condition, seed, step, site, side, example, channel, row, x0, x1 …"""
    parts = []
    for maps, site, side, shown in strips:
        examples, channels, height, width = shown.shape
        keys = pd.MultiIndex.from_product(
            [range(examples), range(channels), range(height)], names=["example", "channel", "row"]
        )
        pixels = pd.DataFrame(shown.reshape(-1, width), keys, [f"x{x}" for x in range(width)]).reset_index()
        label = frame.conditions[maps.place].label
        parts.append(pixels.assign(condition=label, seed=maps.seed, step=maps.step, site=site, side=side))
    found = pd.concat(parts, ignore_index=True)
    facts = ["condition", "seed", "step", "site", "side"]
    return found[facts + [name for name in found.columns if name not in facts]]


def _layout(frame: Frame, strips: Sequence[Strip]) -> Figure:
    figure = Figure(figsize=(10, 0.6 + _ROW * len(strips)), layout="constrained")
    rows = figure.subplots(len(strips), 1, squeeze=False)[:, 0]
    for axes, strip in zip(rows, strips, strict=True):
        _row(axes, strip.images)
        side = f"{strip.side} the norm" if f"{strip.site}.before" in strip.maps.images else "without norm"
        words = f"{named(frame, strip.maps.place)}\n{clipped(strip.site)}\n{side}"
        axes.set_ylabel(words, rotation=0, ha="right", va="center", fontsize=7.5)
    examples, channels, _, width = strips[0].images.shape
    pairs = [f"example {e + 1}\nchannel {c + 1}" for e in range(examples) for c in range(channels)]
    step = width + max(1, round(_GAP * width))
    rows[0].set_xticks([step * place + (width - 1) / 2 for place in range(len(pairs))], pairs, fontsize=7)
    rows[0].tick_params(axis="x", length=0, labelbottom=False, labeltop=True)
    return figure


def _row(axes: Axes, images: Images) -> None:
    """Draw images side by side on one grey scale, with its bar."""
    *_, height, width = images.shape
    gap = np.full((height, max(1, round(_GAP * width))), np.nan)
    flat = images.reshape(-1, height, width)
    canvas = np.hstack([part for image in flat for part in (image, gap)][:-1])
    finite = canvas[np.isfinite(canvas)]
    ends = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    shown = axes.imshow(np.where(np.isfinite(canvas), canvas, np.nan), cmap="gray", vmin=ends[0], vmax=ends[1])
    axes.set(xticks=[], yticks=[])
    axes.set_anchor("W")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure = axes.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(shown, cax=axes.inset_axes((1.012, 0.0, 0.012, 1.0)))
    bar.set_ticks(list(ends), labels=[f"{end:.3g}" for end in ends])
    bar.ax.tick_params(labelsize=6.5)
    bar.outline.set_visible(False)
