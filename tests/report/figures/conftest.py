"""Diagnostics with known numbers, in runs of the synthetic study."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from bnlab.report.frame import Frame
from bnlab.report.reading import read
from bnlab.report.style import RC

Looks = Iterable[tuple[Any, ...]]


@pytest.fixture
def record() -> Callable[..., None]:
    """Write rows (step, site, diagnostic, value[, index]) of layers.csv into a run, and its sites.

    A site `units.2.weight` has depth 2 and kind weight; of the site "" there is no row in sites.csv.
    """

    def write(writer: Any, looks: Looks) -> None:
        rows = [
            {"step": step, "site": site, "diagnostic": name, "value": value, "index": index[0] if index else ""}
            for step, site, name, value, *index in looks
        ]
        sites = {row["site"] for row in rows} - {""}
        parts = {site: site.split(".") for site in sorted(sites)}
        writer.append("sites", [{"site": site, "depth": int(part[1]), "kind": part[2]} for site, part in parts.items()])
        writer.append("layers", rows)
        writer.close()

    return write


@pytest.fixture
def frame_of() -> Callable[[Any], Frame]:
    """The frame of a synthetic study."""
    return lambda study: read([Path(study.folder)], 0.9, 0.05)


@pytest.fixture
def styled() -> Any:
    """Figures are drawn as in a report."""
    with mpl.rc_context(RC):
        yield
