"""The same rate throughout."""

from bnlab.optim.schedules.constant import Constant


def test_is_one_throughout() -> None:
    assert {Constant().factor(k / 10) for k in range(11)} == {1.0}
