"""An invalid claim gives one line that names it, the error and the remedy."""

from typing import Any

import pytest

from bnlab.errors import BadInput
from bnlab.studies.claim import read_claims

GOOD: dict[str, Any] = {
    "claim": "so it is", "metric": "max_stable_lr", "of": {"norm": "batch"}, "against": {"norm": "none"},
    "ratio": {"above": 10},
}  # fmt: skip

TIME = {"name": "epochs_to_target", "target": 0.9}

# (changes to the valid claim, words that the line must contain; None removes a key)
WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown metric": ({"metric": "max_stable"}, ("max_stable", "did you mean max_stable_lr?")),
    "metric without name": ({"metric": {"split": "val"}}, ("metric", "accuracy", "gap")),
    "metric's option": ({"metric": {"name": "accuracy", "splt": "val"}}, ("splt", "did you mean split?")),
    "metric's value": ({"metric": {"name": "accuracy", "split": "tst"}}, ("split", "'val' or 'test'")),
    "target beyond 1": ({"metric": {"name": "epochs_to_target", "target": 90}}, ("target", "less than 1")),
    "target missing": ({"metric": {"name": "epochs_to_target"}}, ("target is missing",)),
    "no words": ({"claim": None}, ("claim",)),
    "no condition": ({"of": None}, ("of is missing", "{norm: batch}")),
    "several values": ({"of": {"norm": ["batch", "layer"]}}, ("of", "one value each")),
    "seed": ({"of": {"seed": 0}}, ("seed", "intervals are over seeds")),
    "no threshold": ({"ratio": {}}, ("ratio", "{above: NUMBER}")),
    "threshold's key": ({"ratio": {"abve": 1}}, ("abve", "did you mean above?")),
    "text as threshold": ({"ratio": {"above": "ten"}}, ("ratio.above", "number")),
    "no number as threshold": ({"ratio": {"above": float("nan")}}, ("ratio.above", "finite")),
    "ratio below 0": ({"ratio": {"above": -1}}, ("a ratio is always above 0",)),
    "time below 0": (
        {"metric": TIME, "ratio": None, "against": None, "value": {"below": 0}},
        ("epochs_to_target is always above 0",),
    ),
    "nothing between": ({"ratio": {"above": 2, "below": 1}}, ("above must be less than below",)),
    "no comparison": ({"ratio": None}, ("ratio, difference and value",)),
    "two comparisons": ({"difference": {"above": 0}}, ("one of ratio, difference and value",)),
    "value against": ({"ratio": None, "value": {"above": 0}}, ("value excludes it",)),
    "ratio of nothing": ({"against": None}, ("require against",)),
    "order and more": ({"order": [{"norm": "batch"}, {"norm": "none"}]}, ("order excludes of",)),
    "order of one": ({"order": [{"norm": "batch"}]}, ("order", "two or more conditions")),
    "slope of a grid": ({"slope": "model.depth"}, ("slope", "max_stable_lr")),
    "slope that is fixed": (
        {"metric": "accuracy", "slope": "norm", "ratio": None, "difference": {"above": 0}},
        ("slope: norm must vary",),
    ),
    "key": ({"agianst": {}}, ("agianst", "did you mean against?")),
    "published": ({"published": {"value": "50x", "source": "a text"}}, ("published.verified is missing",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_line_says_what_is_wrong(name: str) -> None:
    changes, said = WRONG[name]
    claim = {key: value for key, value in (GOOD | changes).items() if value is not None}
    with pytest.raises(BadInput) as caught:
        read_claims([GOOD, claim])
    line = str(caught.value)
    assert line.startswith("claim 2")
    assert "\n" not in line
    assert ("so it is" in line) is ("claim" in claim)
    assert [words for words in said if words not in line] == []


@pytest.mark.parametrize("claims", ["max_stable_lr", {"claim": "x"}, 3, None])
def test_claims_are_a_list(claims: Any) -> None:
    with pytest.raises(BadInput, match="claims should be a list"):
        read_claims(claims)


def test_a_claim_says_its_threshold_in_words() -> None:
    (one,) = read_claims([GOOD])
    assert one.threshold == "ratio above 10"
    (one,) = read_claims([GOOD | {"ratio": {"above": 10, "below": 100}}])
    assert one.threshold == "ratio 10 to 100"
    order = {"claim": "x", "metric": "accuracy", "order": [{"norm": "batch"}, {"norm": "none"}]}
    assert read_claims([order])[0].threshold == "each above the next"


def test_a_metric_may_be_its_name_alone() -> None:
    short, long = read_claims([GOOD, GOOD | {"metric": {"name": "max_stable_lr"}}])
    assert short == long
