"""One writer a run folder."""

from pathlib import Path

import pytest

from bnlab.runs.lock import Busy, lock


def test_second_holder_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with lock(folder), pytest.raises(Busy, match="another process"), lock(folder):
        pass
    with lock(folder):
        pass


def test_given_up_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        raise ZeroDivisionError
    with lock(tmp_path):
        pass
