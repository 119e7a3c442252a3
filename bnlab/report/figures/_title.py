"""Titles of panels that do not overlap those of their neighbours."""

from bnlab.report.escaping import clipped

_CHARACTER = 0.075  # average width of a character in inches
_FEWEST = 28  # characters kept of a part, however narrow the panel


def broken(title: str, inches: float) -> str:
    """Return a title on lines that fit its panel, broken only between its parts: "before_act · batch_size 2"."""
    lines = [""]
    for part in title.split(" · "):
        part = clipped(part, max(_FEWEST, int(inches / _CHARACTER)))
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        fits = not lines[-1] or len(longer) * _CHARACTER <= inches
        lines[-1:] = [longer] if fits else [lines[-1], part]
    return "\n".join(lines)


def lift(title: str) -> float:
    """Return the height above its axes, in points, at which a panel's legend clears its (broken) title."""
    return 5 + 13 * (title.count("\n") + 1) if title else 4
