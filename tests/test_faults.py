"""Errors of a plugin's code name its file and line; all others pass."""

from pathlib import Path

import pytest

from bnlab.errors import Refused, Retriable
from bnlab.faults import telling
from bnlab.registry import Entry

HERE = Entry("mine", "mine", "Mine", {}, {}, plugin=Path(__file__))
OURS = Entry("batch", "bnlab.norms.batch", "BatchNorm", {}, {})


def test_the_line_in_the_plugin_is_named() -> None:
    with pytest.raises(Retriable, match=rf"{__file__}, line \d+: ValueError: wrong"), telling([OURS, HERE]):
        raise ValueError("wrong\nin two lines")


def test_without_a_line_in_it_its_class_is() -> None:
    elsewhere = Entry("mine", "mine", "Mine", {}, {}, plugin=Path("mine.py"))
    with pytest.raises(Retriable, match=r"Mine of mine\.py: ValueError: wrong"), telling([elsewhere]):
        raise ValueError("wrong")


@pytest.mark.parametrize("error", [OSError("disk"), MemoryError(), ImportError("gone"), Refused("no")])
def test_errors_of_the_machine_and_refusals_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, telling([HERE]):
        raise error
    assert raised.value is error


def test_without_a_plugin_all_pass() -> None:
    with pytest.raises(ValueError, match="wrong"), telling([OURS]):
        raise ValueError("wrong")
