"""A specimen: a norm with its options, which can be built for any size.

Shapes: activations x (N, C, H, W) or (N, C), with N examples, C channels, H·W positions; weights (O, I, K, K) or
(O, I), with O outputs, I inputs and a kernel K·K.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import torch

from bnlab.errors import BadInput
from bnlab.faults import telling
from bnlab.norms.reparametrization import Reparametrization
from bnlab.norms.storage import allocate, check_initial
from bnlab.registry import Entry, find
from bnlab.zoo.passing import normal
from bnlab.zoo.selection import Choice


@dataclass(frozen=True)
class Specimen:
    """A norm with its options.

    Attributes:
        choice: the yaml or the plugin's norm that was chosen.
        kind: the norm's class.
        options: the constructor's.
        variant: how the options differ from those of the choice ("axes=channels"); empty if they do not.
    """

    choice: str
    kind: Any
    options: Mapping[str, Any]
    variant: str = ""

    @property
    def label(self) -> str:
        """Choice and variant."""
        return f"{self.choice} {self.variant}".strip()

    @property
    def of_weights(self) -> bool:
        """Whether it normalizes weights, not activations."""
        return issubclass(self.kind, Reparametrization)

    @property
    def entry(self) -> Entry:
        """Entry of the registry."""
        return find("norm", self.kind.name)

    @property
    def companion(self) -> "Specimen | None":
        """The norm of weights that accompanies a norm of activations."""
        kind = getattr(self.kind, "reparametrization", None)
        return None if kind is None else Specimen(kind.name, kind, {})

    def build(self, size: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Any:
        """Return the norm for x or a weight of this size, with its initial values.

        Raises:
            Refused: the norm is not possible there, or leaves a tensor without initial value.
        """
        with torch.device("meta"):
            norm: Any = self.kind(size if self.of_weights else size[1], **self.options)
        allocate(norm)
        norm.to(dtype)
        if self.of_weights:
            norm.reset_parameters(normal(size, seed=99).to(dtype))
        else:
            with torch.random.fork_rng(devices=[]):  # layers of torch in a user's norm draw from the global generator
                torch.manual_seed(0)
                for module in norm.modules():
                    if hasattr(module, "reset_parameters"):
                        module.reset_parameters()
        check_initial(norm)
        return norm

    def fitted(self, examples: int) -> "Specimen":
        """Return the specimen with chunks of half a batch if its own chunks would hold the whole batch."""
        if self.options.get("chunk", 0) < examples:
            return self
        return replace(self, options={**self.options, "chunk": examples // 2}, variant=f"chunk={examples // 2}")

    def variants(self) -> Iterator["Specimen"]:
        """Yield the norm with each other value of its options that take one of several words."""
        for option, annotation in self.entry.options.items():
            for word in get_args(annotation):
                if isinstance(word, str) and word != self.options[option]:
                    yield replace(self, options={**self.options, option: word}, variant=f"{option}={word}")


def specimen(choice: Choice) -> Specimen:
    """Return the specimen of a choice.

    Raises:
        BadInput: a plugin cannot be imported.
    """
    entry = find("norm", choice.name)
    try:
        with telling([entry]):
            kind = entry.load()
    except ImportError as error:
        if entry.plugin is None:
            raise
        raise BadInput(f"plugins: {entry.plugin}: {error}") from None
    return Specimen(choice.choice, kind, choice.options, choice.variant)
