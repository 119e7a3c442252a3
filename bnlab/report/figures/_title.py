"""Titles of panels that do not run into those of their neighbours."""

_CHARACTER = 0.075  # inches of a character, on average


def broken(title: str, inches: float) -> str:
    """A title on lines that fit its panel, broken between its parts alone: "before_act · batch_size 2"."""
    lines = [""]
    for part in title.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        fits = not lines[-1] or len(longer) * _CHARACTER <= inches
        lines[-1:] = [longer] if fits else [lines[-1], part]
    return "\n".join(lines)


def lift(title: str) -> float:
    """Points above its axes at which a panel's legend clears its (broken) title."""
    return 5 + 13 * (title.count("\n") + 1) if title else 4
