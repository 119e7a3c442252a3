"""Shared code of the models: sites, the dry run on the meta device, and initial weights."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.models.budget import budget
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import Reparametrization, norm_of_weight
from bnlab.norms.site import sites, tape
from bnlab.norms.storage import allocate, check_initial
from bnlab.rng import generator, key


class Model(nn.Module):
    """Base class of models, which map x (B, *shape) to (B, outputs).

    Subclasses set a literal `name` and `default_sites` and take (shape, outputs, norms) and their options as
    keyword-only arguments without defaults (the yaml holds those).

    Attributes:
        default_sites: the kinds of site that have the norm with placement=default.
        offers: every kind of site that the model has with some options; empty if not declared.
    """

    name: ClassVar[str]
    default_sites: ClassVar[tuple[str, ...]]
    offers: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.input_shape: tuple[int, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def adjust_initial(self) -> None:
        """Change the initial values that the scheme gave, if the model has its own initialization."""


def require_images(model: str, shape: tuple[int, ...]) -> None:
    """Raise `Refused` if examples are not images (channels, height, width)."""
    if len(shape) != 3:
        raise Refused(
            f"model={model} needs images (channels, height, width), but an example here has shape {shape}: "
            "use model=mlp, or data.shape=[1,8,8] with data=gaussian"
        )


def assemble(
    kind: type[Model], shape: tuple[int, ...], outputs: int, norms: Placement, options: dict[str, object]
) -> Model:
    """Return a model without storage (on the meta device), with its sites named.

    Raises:
        Refused: the placement asks for a site that the model does not offer, the model cannot take this data, or it is
            too large for this machine.
    """
    with budget(kind.name, options) as counted, torch.device("meta"):
        model = kind(shape, outputs, norms, **options)  # type: ignore[call-arg]
    counted.choose_folder(model)
    norms.check(kind.name)
    model.input_shape = shape
    for path, site in sites(model).items():
        site.id = path
    return model


def dry_run(model: Model, train_sizes: Iterable[int], eval_sizes: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """Pass batches of these sizes through a model on the meta device: shapes are checked, values are not computed.

    Returns:
        The shape of one example at each site, by the site's id.

    Raises:
        Refused: a norm cannot process such a batch.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for training, sizes in ((True, train_sizes), (False, eval_sizes)):
        model.train(training)
        sizes = set(sizes)
        for size in sorted(sizes):
            try:
                with tape() as seen, torch.no_grad(), _same_buffers(model):
                    model(torch.empty(size, *model.input_shape, device="meta"))
            except Refused as reason:
                if size == max(sizes):
                    raise
                what = "training" if training else "evaluation"
                raise Refused(f"{reason} (in the last {what} batch, of size {size}: try another batch size)") from None
            shapes = {site: tuple(values[0].shape[1:]) for site, values in seen.after.items()}
    model.train()
    return shapes


@contextmanager
def _same_buffers(model: Model) -> Iterator[None]:
    """Raise `Refused` if a layer replaces a buffer with another tensor, which a run would lose."""
    before = dict(model.named_buffers())
    yield
    for path, tensor in model.named_buffers():
        if before.get(path) is not tensor:
            owner, _, name = path.rpartition(".")
            kind = type(model.get_submodule(owner)).__name__
            way = f"change it in place, self.{name}.copy_(…)" if path in before else "register it with its shape"
            raise Refused(f"{kind} replaces its buffer {name} with another tensor: {way}")


def initialize(model: Model, scheme: str, std: float, seed: int) -> None:
    """Allocate a model from the meta device and initialize it, on the CPU in float32.

    Each weight is drawn from a generator keyed by its name, so that nets that differ in their norms, or by an
    additional layer, start from the same weights. A model may then change them (`Model.adjust_initial`), and a norm of
    weights is initialized from the result.

    Raises:
        Refused: the user's code leaves a parameter or a buffer without a value.

    Schemes (weights of fan-in n and fan-out m): torch, U(±1/√n), bias too (PyTorch's default); he, N(0, 2/n) (He et
    al. 2015); glorot, U(±√(6/(n+m))) (Glorot & Bengio 2010); normal, N(0, std²). Biases are 0 except with torch.
    """
    allocate(model)
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            _initialize_weight(module, scheme, std, generator(seed, f"initialization {path}", 0))
        elif isinstance(module, Reparametrization):
            continue  # initialized below, from its weight
        elif hasattr(module, "reset_parameters"):
            with torch.random.fork_rng(devices=[]):  # torch's layers draw from its global generator
                torch.manual_seed(key(seed, f"initialization {path}", 0))
                module.reset_parameters()
    with torch.no_grad():
        model.adjust_initial()
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and (norm := norm_of_weight(module)) is not None:
            norm.reset_parameters(module.weight)
    check_initial(model)


def _initialize_weight(layer: nn.Linear | nn.Conv2d, scheme: str, std: float, draw: torch.Generator) -> None:
    weight = layer.weight
    bound = weight[0].numel() ** -0.5
    if scheme == "torch":
        nn.init.uniform_(weight, -bound, bound, generator=draw)
    elif scheme == "he":
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=draw)
    elif scheme == "glorot":
        nn.init.xavier_uniform_(weight, generator=draw)
    else:
        nn.init.normal_(weight, std=std, generator=draw)
    if layer.bias is not None:
        if scheme == "torch":
            nn.init.uniform_(layer.bias, -bound, bound, generator=draw)
        else:
            nn.init.zeros_(layer.bias)


def weights(model: Model) -> dict[str, str]:
    """Return the parameter name of each weight (two or more axes) by the path of the layer that holds it.

    With a norm of weights it is the learned weight, not the normalized one.
    """
    return {name.rpartition(".")[0]: name for name, p in model.named_parameters() if p.ndim > 1}
