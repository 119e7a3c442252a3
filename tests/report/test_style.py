"""Styles of conditions."""

from bnlab.report.condition import Condition
from bnlab.report.style import styles


def test_norms_differ_in_colour_line_and_marker_and_none_is_grey() -> None:
    found = styles([Condition(norm, (), norm) for norm in ("none", "batch", "layer", "group", "instance")])
    assert found[0].colour == styles([Condition("none", (), "none"), Condition("rms", (), "rms")])[0].colour
    assert len({style.colour for style in found}) == len({str(style.line) for style in found}) == 5
    assert len({style.marker for style in found}) == 5


def test_a_norm_keeps_its_style_over_its_variants() -> None:
    found = styles([Condition(norm, (("placement", p),), "") for norm in ("batch", "layer") for p in ("a", "b")])
    assert found[0] == found[1] != found[2] == found[3]


def test_variants_of_a_single_norm_differ() -> None:
    assert len(set(styles([Condition("batch", (("data.batch_size", n),), "") for n in range(6)]))) == 6
