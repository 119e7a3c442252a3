"""Discovery of tables and figures."""

import pytest

from bnlab.report.interface import modules


@pytest.mark.parametrize(("room", "function"), [("tables", "table"), ("figures", "draw")])
def test_every_file_offers_a_part_in_a_place_of_its_own(room: str, function: str) -> None:
    found = modules(room)
    assert found
    assert not any(name.startswith("_") for name in found)
    assert all(module.TITLE and callable(getattr(module, function)) for module in found.values())
    orders = [module.ORDER for module in found.values()]
    assert orders == sorted(set(orders))
