"""Choices of groups on a command line."""

import pytest

from bnlab.config.choices import check_choices
from bnlab.errors import BadInput


def test_one_choice_of_each_group_is_fine() -> None:
    assert check_choices(["norm=batch", "model=mlp", "optim.lr=0.1", "optim.lr=0.2", "placement=[a,b]"]) == []


def test_the_last_of_two_choices_is_used_and_noted() -> None:
    (note,) = check_choices(["norm=batch", "norm=layer"])
    assert note == "norm is given twice: norm=layer is used (`bnlab sweep norm=batch,layer` trains both)"
    assert check_choices(["norm=batch", "norm=batch"]) == []


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("norm=[none,batch]", "`bnlab sweep norm=none,batch` trains each of them"),
        ("norm.name=batch", "write norm=batch"),
    ],
)
def test_what_hydra_would_merge_is_refused(word: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_choices([word])
