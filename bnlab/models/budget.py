"""The size of a net while it is built on the meta device, where nothing takes memory yet."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.nn.parameter import is_lazy

from bnlab import memory
from bnlab.errors import Refused, TooLarge

MODULES = 50_000  # built in seconds, in half a gigabyte of Python objects; 6,000 layers of an MLP
# Errors of torch (and of Python, for a shape of more than 64 bits) for a tensor whose size overflows.
_UNCOUNTABLE = (
    "Storage size calculation overflowed", "Overflow when unpacking long", "integer multiplication overflow",
    "numel: integer", "int too large to convert", "int too big to convert", "cannot fit 'int' into",
)  # fmt: skip


@contextmanager
def budget(model: str, options: Mapping[str, object]) -> Iterator["Budget"]:
    """Count what is registered with modules inside the block, and raise as soon as it is too much for this machine.

    Modules register their parameters, buffers and submodules one by one, regardless of the model's code.

    Args:
        options: the model's options, from which the message names one to lower.

    Raises:
        Refused: a net of more than `MODULES` modules.
        TooLarge: a net that needs more memory than there is.
    """
    counted = Budget(model, options, memory.total())
    hooks = [
        register_module_parameter_registration_hook(lambda _, __, tensor: counted.add_tensor(tensor)),
        register_module_buffer_registration_hook(lambda _, __, tensor: counted.add_tensor(tensor)),
        register_module_module_registration_hook(lambda _, __, ___: counted.add_module()),
    ]
    try:
        yield counted
    except (TypeError, RuntimeError, OverflowError) as error:
        if not any(words in str(error) for words in _UNCOUNTABLE):
            raise  # an error in the model's code
        raise counted.refusal("has a tensor with more elements than can be counted") from None
    finally:
        for hook in hooks:
            hook.remove()


class Budget:
    """The memory that a net needs. Weights count twice, for their gradients; shared tensors count once."""

    def __init__(self, model: str, options: Mapping[str, object], there: int) -> None:
        self._model, self._options, self._there = model, options, there
        self._modules, self._bytes = 0, 0
        self._seen: dict[int, Tensor] = {}  # keeps the tensors alive, so that ids are unique

    def add_module(self) -> None:
        """Count one more module."""
        self._modules += 1
        if self._modules > MODULES:
            raise self.refusal(f"has more than {MODULES:,} modules (layers, sites, norms), the largest number allowed")

    def add_tensor(self, tensor: Tensor | None) -> None:
        """Count a parameter or a buffer."""
        if tensor is None or is_lazy(tensor) or id(tensor) in self._seen:
            return
        self._seen[id(tensor)] = tensor
        self._bytes += _size([tensor])
        self._check()

    def choose_folder(self, net: nn.Module) -> None:
        """Recount the complete net, including buffers that replaced others."""
        self._bytes = _size({id(one): one for one in [*net.parameters(), *net.buffers()]}.values())
        self._check()

    def _check(self) -> None:
        if self._bytes > self._there:
            raise self.refusal(
                f"needs {memory.shown(self._bytes)} or more for weights, gradients and buffers, and this machine has "
                f"{memory.shown(self._there)} of memory", TooLarge,
            )  # fmt: skip

    def refusal(self, why: str, kind: type[Refused] = Refused) -> Refused:
        """Return the refusal, naming the option to lower: the model's largest integer option."""
        numbers = {name: value for name, value in self._options.items() if type(value) is int}
        if not numbers:
            return kind(f"model={self._model} {why}: take a smaller one")
        name = max(numbers, key=lambda one: numbers[one])
        return kind(f"model={self._model} {why}: lower model.{name}={numbers[name]}")


def _size(tensors: Iterable[Tensor]) -> int:
    known = [tensor for tensor in tensors if not is_lazy(tensor)]
    return sum(one.numel() * one.element_size() * (2 if isinstance(one, nn.Parameter) else 1) for one in known)
