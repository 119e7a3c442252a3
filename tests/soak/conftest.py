"""Fixture: one warm process for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.soak.warm import Warm


@pytest.fixture(scope="session")
def start() -> Iterator[Warm]:
    warm = Warm()
    yield warm
    warm.end()
