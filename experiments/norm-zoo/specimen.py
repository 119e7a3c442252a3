"""What the zoo looks at: every norm at its defaults, and each reading of one that takes its statistics elsewhere.

Shapes: N examples, C channels, H×W positions; a weight has O outputs, I inputs and a kernel.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, get_args

import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from bnlab.config.folder import conf_dir
from bnlab.noise import Noise, source
from bnlab.norms.reparametrization import Reparametrization
from bnlab.registry import find


@dataclass(frozen=True)
class Specimen:
    """A norm with its options, and how it differs from the yaml's (`axes=channels`), empty at the defaults."""

    name: str
    options: dict[str, Any]
    reading: str = ""

    @property
    def label(self) -> str:
        """The name, with the reading behind it."""
        return f"{self.name} {self.reading}".strip()

    @property
    def kind(self) -> Any:
        """The norm's class."""
        return find("norm", self.name).load()

    @property
    def of_weights(self) -> bool:
        """Whether it acts on weights and not on activations."""
        return issubclass(self.kind, Reparametrization)

    def build(self, size: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Any:
        """The norm for x, or for a weight, of that size, as it is before training.

        Raises:
            Refused: it cannot stand there.
        """
        with torch.device("meta"):
            norm: Any = self.kind(size if self.of_weights else size[1], **self.options)
        norm.to_empty(device="cpu").to(dtype)
        norm.reset_parameters(*[normal(size, seed=99).to(dtype)] if self.of_weights else [])
        return norm

    def fitted(self, examples: int) -> "Specimen":
        """With chunks of half the batch where the default is too large to show in it."""
        chunk = self.options.get("chunk", 0)
        if chunk < examples:
            return self
        return Specimen(self.name, {**self.options, "chunk": examples // 2}, f"chunk={examples // 2}")


def specimens() -> list[Specimen]:
    """Every norm of conf/norm at its defaults."""
    found = []
    for path in sorted((conf_dir() / "norm").glob("[!_]*.yaml")):
        options = OmegaConf.to_container(OmegaConf.load(path))
        assert isinstance(options, dict)
        found.append(Specimen(options.pop("name"), {str(key): value for key, value in options.items()}))
    return found


def readings(specimen: Specimen) -> Iterator[Specimen]:
    """The norm with another word for one of the options that take words."""
    for option, annotation in find("norm", specimen.name).options.items():
        for word in get_args(annotation):
            if isinstance(word, str) and word != specimen.options[option]:
                yield Specimen(specimen.name, {**specimen.options, option: word}, f"{option}={word}")


def companion(specimen: Specimen) -> Specimen | None:
    """The norm of weights that comes along with one of activations."""
    kind = getattr(specimen.kind, "reparametrization", None)
    return None if kind is None else Specimen(kind.name, {})


def normal(size: tuple[int, ...], seed: int) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def passed(norm: nn.Module, x: Tensor, *, training: bool) -> Tensor:
    """norm(x) from the state at hand, which stays as it is; random parts are the same at every call."""
    with torch.no_grad(), source(Noise([0], 0, x.device)):
        return deepcopy(norm).train(training)(x)


def train(norm: nn.Module, batches: Iterator[Tensor]) -> None:
    """Pass batches in training mode, for the running statistics; no parameter moves."""
    norm.train()
    for step, x in enumerate(batches):
        with torch.no_grad(), source(Noise([0], step, x.device)):
            norm(x)
