"""Heights and limits of histograms."""

import pandas as pd
import pytest

from bnlab.report.figures._histogram import heights, limits

BINS = pd.DataFrame({"left": [-100.0, -1.0, 0.0, 1.0], "right": [-99.0, 0.0, 1.0, 3.0], "count": [1, 500, 499, 100]})


def test_heights_are_densities_relative_to_the_peak() -> None:
    found = heights(BINS)
    assert found is not None
    assert found[0].tolist() == pytest.approx([0.002, 1, 0.998, 0.1])  # the last bin is twice as wide
    assert found[1] == [-100, -1, 0, 1, 3]


def test_no_counts_no_heights() -> None:
    assert heights(BINS.assign(count=0)) is None
    assert heights(BINS[:0]) is None


def test_limits_hold_the_middle_of_each_histogram() -> None:
    assert limits(BINS.assign(place=0), ["place"]) == pytest.approx((-1.0, 3.0))
    both = pd.concat([BINS.assign(place=0), BINS.assign(place=1, left=BINS["left"] + 5, right=BINS["right"] + 5)])
    assert limits(both, ["place"]) == pytest.approx((-1.0, 8.0))
    assert limits(BINS[:0].assign(place=0), ["place"]) == (0.0, 1.0)
