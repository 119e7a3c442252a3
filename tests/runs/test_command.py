"""Overrides in commands."""

from bnlab.runs.command import overrides


def test_overrides_are_words_with_a_value() -> None:
    command = "bnlab train --config-dir=mine norm=batch 'study=a b' optim.lr=0.1"
    assert overrides(command) == ["norm=batch", "study=a b", "optim.lr=0.1"]
    assert overrides(None) == []
