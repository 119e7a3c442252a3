"""Panels: which conditions share a picture."""

import math
from collections.abc import Hashable, Sequence

from bnlab.report.condition import Condition, exact

_Key = tuple[tuple[str, Hashable], ...]

MOST = 6  # conditions in a panel of a split set, but for `none`


def panels(found: Sequence[Condition]) -> list[tuple[str, list[int]]]:
    """Sets of conditions that belong in one picture: (title, places).

    A panel for each variant (see `variants`); one with more than MOST conditions and `none` is split into panels of at
    most MOST, and `none`, the reference, is in every one of them.
    """
    result = []
    for title, places in variants(found):
        parts = _split(found, places)
        for number, part in enumerate(parts, 1):
            result.append((f"{title} ({number} of {len(parts)})" if title and len(parts) > 1 else title, part))
    return result


def variants(found: Sequence[Condition]) -> list[tuple[str, list[int]]]:
    """One set for each variant, with all norms in it; a condition without one of the axes (none, under any placement)
    is in every set that agrees with the axes it has. With a single norm the variants are compared: one set.
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
    """Parts of about one size."""
    if len(places) <= MOST + 1:
        return [places]
    one_norm = len({found[place].norm for place in places}) == 1
    reference = [] if one_norm else [place for place in places if found[place].norm == "none"][:1]
    rest = [place for place in places if place not in reference]
    size = math.ceil(len(rest) / math.ceil(len(rest) / MOST))
    return [reference + rest[start : start + size] for start in range(0, len(rest), size)]


def _key(condition: Condition) -> _Key:
    """The variant as its JSON tells it apart: 1 is neither 1.0 nor true, and lists are compared too."""
    return tuple((name, exact(value)) for name, value in condition.variant)


def _agrees(part: _Key, whole: _Key) -> bool:
    return all(item in whole for item in part)
