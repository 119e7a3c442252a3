"""The pictures of the zoo."""

from collections.abc import Sequence

from bnlab.faults import telling
from bnlab.zoo import cubes, folder, histograms
from bnlab.zoo.specimen import Specimen

_SMALL, _LARGE, _WEIGHT = (4, 3, 2, 2), (6, 8, 4, 4), (8, 6, 3, 3)


def draw(collection: Sequence[Specimen]) -> dict[str, bytes]:
    """Return the PNGs by file name; those of norms of activations or of weights only if there are any.

    Raises:
        Retriable: the code of a user's norm has an error.
    """
    of_x = [specimen for specimen in collection if not specimen.of_weights]
    of_weights = [specimen for specimen in collection if specimen.of_weights]
    drawn = {}
    with telling([specimen.entry for specimen in collection]):
        if of_x:
            for name, size in {folder.SMALL: _SMALL, folder.LARGE: _LARGE}.items():
                fitted = [specimen.fitted(size[0]) for specimen in of_x]
                drawn[name] = cubes.draw(fitted, size, _title("x", size))
            drawn[folder.HISTOGRAMS] = histograms.draw(of_x)
        if of_weights:
            drawn[folder.WEIGHTS] = cubes.draw(of_weights, _WEIGHT, _title("a weight", _WEIGHT))
    return drawn


def _title(what: str, size: tuple[int, ...]) -> str:
    shape = "×".join(map(str, size))
    return f"Elements (blue) that share their statistics with the marked one in training, {what} of shape {shape}"
