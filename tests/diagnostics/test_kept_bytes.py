"""Rows of kept bytes; the counts are tested in tests/training/test_kept.py."""

from bnlab.diagnostics.kept_bytes import KeptBytes
from tests.diagnostics.small import Training

KEPT = KeptBytes(when=["init"])


def test_a_row_names_the_layer_and_its_kind_for_each_replica() -> None:
    look = Training("lstm", (0, 1)).look()
    observed, kept = KEPT.observe(look), look.extra.kept()
    for r in range(2):
        rows = [row for site, values in observed.items() for row in KEPT.rows(3, site, values[r].numpy())]
        assert {(row["site"], row["index"]): row["value"] for row in rows} == kept
        assert {(row["step"], row["diagnostic"]) for row in rows} == {(3, "kept_bytes")}
        assert all(isinstance(row["value"], int) for row in rows)
