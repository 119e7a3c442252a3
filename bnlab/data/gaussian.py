"""Synthetic data from Gaussian distributions, of any shape and size and with a known true model.

Shapes: N examples, F values of an example, K outputs.
"""

import hashlib
import json
from math import prod
from typing import Literal

import numpy as np

from bnlab.data.base import Array, Arrays, Dataset, Progress, Task
from bnlab.errors import BadInput
from bnlab.memory import require
from bnlab.options import Count, Natural, NonNegative
from bnlab.rng import key

CLASS_NAME = 60  # bytes of a short string and of the reference to it
VERSION = 1  # version of the draws below; part of the fingerprint


class Gaussian(Dataset):
    """Gaussian classes, or a linear regression with Gaussian noise.

    Classification: x = separation · m_y + noise · ε, with m_k a random unit vector per class and y a uniform class.
    Regression: x = ε and y = A x + noise · η, with A (K×F) of entries N(0, 1/F), so that A x has variance 1.

    ε, η are standard normal. Two class centres are about √2 · separation apart.

    Args:
        task: classification or regression.
        shape: shape of one example, [features] or [channels, height, width].
        n_train: number of training examples (validation is drawn from them).
        n_test: number of test examples.
        noise: standard deviation, of x around its class centre or of y around A x.
        classes: number of classes (classification).
        separation: distance of the class centres from 0 (classification).
        outputs: K, targets per example (regression).
        data_seed: seed of all draws; independent of the run's seed and of the split.

    Raises:
        BadInput: the shape has neither one nor three numbers, or classification has fewer than two classes.
    """

    name = "gaussian"

    def __init__(
        self,
        *,
        task: Literal["classification", "regression"],
        shape: list[Count],
        n_train: Count,
        n_test: Count,
        noise: NonNegative,
        classes: Count,
        separation: NonNegative,
        outputs: Count,
        data_seed: Natural,
    ) -> None:
        if len(shape) not in (1, 3):
            raise BadInput(
                f"data.shape={list(shape)} has {len(shape)} numbers: give one, [features], or three,"
                " [channels,height,width]"
            )
        if task == "classification" and classes < 2:
            raise BadInput(f"data.classes={classes} is too few for classification: give 2 or more")
        self.task: Task = task
        self.shape = tuple(shape)
        self.n_train = n_train
        self.n_test = n_test
        self.noise = noise
        self.classes = classes
        self.separation = separation
        self.outputs = outputs
        self.data_seed = data_seed

    def fingerprint(self) -> str:
        """Return a hash of the options, because the last bits of the numbers may differ between machines."""
        facts = json.dumps({"version": VERSION, **vars(self)}, sort_keys=True)
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()

    def _load(self, _: Progress, /) -> Arrays[Array]:
        require(
            self._bytes(),
            f"gaussian: {self._size()}",
            "lower data.n_train, data.n_test, data.shape or data."
            + ("classes" if self.task == "classification" else "outputs"),
        )
        truth = self._generator(0)
        features = prod(self.shape)
        if self.task == "classification":
            centres_KF = truth.standard_normal((self.classes, features))
            centres_KF *= self.separation / np.linalg.norm(centres_KF, axis=1, keepdims=True)
            train_x, train_y = self._classes(centres_KF, self.n_train, self._generator(1))
            test_x, test_y = self._classes(centres_KF, self.n_test, self._generator(2))
        else:
            map_KF = truth.standard_normal((self.outputs, features)) / np.sqrt(features)
            train_x, train_y = self._targets(map_KF, self.n_train, self._generator(1))
            test_x, test_y = self._targets(map_KF, self.n_test, self._generator(2))
        is_class = self.task == "classification"
        return Arrays(
            train_x=train_x,
            train_y=train_y,
            test_x=test_x,
            test_y=test_y,
            task=self.task,
            classes=self.classes if is_class else None,
            outputs=self.classes if is_class else self.outputs,
            class_names=tuple(str(k) for k in range(self.classes)) if is_class else (),
        )

    def _bytes(self) -> int:
        """Return the peak memory of drawing in bytes: two float64 arrays in addition to the float32 result."""
        features = prod(self.shape)
        height = max(16 * self.n_train, 4 * self.n_train + 16 * self.n_test) * features
        if self.task == "classification":
            return height + 8 * self.classes * features + CLASS_NAME * self.classes + 8 * (self.n_train + self.n_test)
        return height + 8 * self.outputs * (features + self.n_train + self.n_test)

    def _size(self) -> str:
        kinds = f"{self.classes:,} classes" if self.task == "classification" else f"{self.outputs:,} targets"
        shape = "×".join(f"{side:,}" for side in self.shape)
        return f"{self.n_train:,} + {self.n_test:,} examples of {shape} with {kinds}"

    def _generator(self, part: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(key(self.data_seed, "gaussian", part)))

    def _classes(self, centres_KF: Array, n: int, draws: np.random.Generator) -> tuple[Array, Array]:
        y_N = draws.integers(self.classes, size=n)
        x_NF = centres_KF[y_N] + self.noise * draws.standard_normal((n, centres_KF.shape[1]))
        return self._examples(x_NF), np.ascontiguousarray(y_N, np.int64)

    def _targets(self, map_KF: Array, n: int, draws: np.random.Generator) -> tuple[Array, Array]:
        x_NF = draws.standard_normal((n, map_KF.shape[1]))
        y_NK = x_NF @ map_KF.T + self.noise * draws.standard_normal((n, len(map_KF)))
        return self._examples(x_NF), np.ascontiguousarray(y_NK, np.float32)

    def _examples(self, x_NF: Array) -> Array:
        return np.ascontiguousarray(x_NF.reshape(-1, *self.shape), np.float32)
