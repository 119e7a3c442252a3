"""scikit-learn's handwritten digits, which need no download.

Source: the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, 1998, UCI), 1,797 images.
"""

import hashlib
from importlib.metadata import version

import numpy as np

from bnlab.data import cache
from bnlab.data.base import Array, Arrays, Dataset, Progress, silent
from bnlab.data.split import hold_out


class Digits(Dataset):
    """Data set of 1,797 grey images of 8×8 with values 0 to 16, ten classes.

    There is no published test set: a fixed random fifth (359 images) is held out, the same for all runs.
    """

    name = "digits"

    def fingerprint(self) -> str:
        arrays = self._load(silent)
        content = hashlib.blake2b(digest_size=16)
        for part in (arrays.train_x, arrays.train_y, arrays.test_x, arrays.test_y):
            content.update(part.tobytes())
        return content.hexdigest()

    def _load(self, _: Progress, /) -> Arrays[Array]:
        return cache.decoded({"dataset": self.name, "scikit-learn": version("scikit-learn")}, _decode)


def _decode() -> Arrays[Array]:
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    x = np.ascontiguousarray(digits.images[:, None], np.uint8)
    train_x, train_y, test_x, test_y = hold_out(x, np.ascontiguousarray(digits.target, np.int64))
    return Arrays(
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        task="classification",
        classes=10,
        outputs=10,
        class_names=tuple(str(digit) for digit in range(10)),
    )
