"""Panels: the conditions that are drawn in one plot."""

import math
from collections.abc import Hashable, Sequence

from bnlab.report.condition import Condition, exact

_Key = tuple[tuple[str, Hashable], ...]

MOST = 6  # conditions per panel of a split set, not counting `none`


def panels(found: Sequence[Condition]) -> list[tuple[str, list[int]]]:
    """Return the sets of conditions to draw in one plot: (title, places).

    There is one panel per variant (see `variants`). A variant with more than MOST conditions besides `none` is split
    into panels of at most MOST; `none`, the reference, is in each of them.
    """
    result = []
    for title, places in variants(found):
        parts = _split(found, places)
        for number, part in enumerate(parts, 1):
            result.append((f"{title} ({number} of {len(parts)})" if title and len(parts) > 1 else title, part))
    return result


def variants(found: Sequence[Condition]) -> list[tuple[str, list[int]]]:
    """Return one set per variant, with all its norms: (title, places).

    A condition that lacks an axis (`none`, under any placement) is in every set that agrees with the axes it has. With
    a single norm there is one set, because the variants are compared.
    """
    if len({condition.norm for condition in found}) == 1:
        return [("", list(range(len(found))))]
    keys = [_key(condition) for condition in found]
    every = list(dict.fromkeys(keys))
    whole = [one for one in every if not any(_agrees(one, other) and len(other) > len(one) for other in every)]
    result = []
    for variant in whole:
        places = [place for place, key in enumerate(keys) if _agrees(key, variant)]
        label = found[keys.index(variant)].label
        result.append((label.partition(" · ")[2], places))
    return result


def _split(found: Sequence[Condition], places: list[int]) -> list[list[int]]:
    """Split into parts of about equal size."""
    if len(places) <= MOST + 1:
        return [places]
    one_norm = len({found[place].norm for place in places}) == 1
    reference = [] if one_norm else [place for place in places if found[place].norm == "none"][:1]
    rest = [place for place in places if place not in reference]
    size = math.ceil(len(rest) / math.ceil(len(rest) / MOST))
    return [reference + rest[start : start + size] for start in range(0, len(rest), size)]


def _key(condition: Condition) -> _Key:
    """Return the variant as a hashable key that distinguishes values as JSON does: 1, 1.0 and true differ."""
    return tuple((name, exact(value)) for name, value in condition.variant)


def _agrees(part: _Key, whole: _Key) -> bool:
    return all(item in whole for item in part)
