"""Residual nets compared with their publications: sizes, order of layers, and plain nets written with torch.nn."""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.models.base import Model
from bnlab.models.describe import layers
from bnlab.norms.site import sites

CIFAR, SMALL = (3, 32, 32), (3, 9, 7)
TOPOLOGIES = [(preact, shortcut) for preact in (False, True) for shortcut in ("A", "conv")]
topologies = pytest.mark.parametrize(("preact", "shortcut"), TOPOLOGIES)
schemes = pytest.mark.parametrize("scheme", ["skipinit", "fixup"])


def n_params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def blocks_of(stages: Sequence[int], width: int) -> list[tuple[int, int, int]]:
    """Return the channels before and after each block, and its stride."""
    found, n = [], width
    for stage, count in enumerate(stages):
        for i in range(count):
            m = width * 2**stage
            found.append((n, m, 2 if stage and i == 0 else 1))
            n = m
    return found


# --- sizes


@pytest.mark.parametrize(
    ("depth", "count"), [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962)]
)
def test_published_numbers_of_parameters(assemble_model: Any, depth: int, count: int) -> None:
    """0.27, 0.46, 0.66, 0.85 and 1.7 million (He et al. 2016a, table 6)."""
    model = assemble_model("resnet", CIFAR, 10, norm="batch", at=("before_act",), depth=depth)
    assert n_params(model) == count
    assert sum(layer.kind in ("Conv2d", "Linear") for layer in layers(model, 2)) == depth


def test_published_number_of_parameters_of_resnet18(assemble_model: Any) -> None:
    model = assemble_model("resnet18", CIFAR, 10, norm="batch", at=("before_act",))
    assert n_params(model) == 11_173_962
    assert sum(layer.kind in ("Conv2d", "Linear") for layer in layers(model, 2)) == 18 + 3  # those of the shortcuts
    assert [layer.shape for layer in layers(model, 2) if layer.path.endswith("after_add")][::2] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4),
    ]  # fmt: skip


@topologies
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("normed", [True, False])
@pytest.mark.parametrize(("name", "stages"), [("resnet", (2, 2, 2)), ("resnet18", (2, 2, 2, 2))])
def test_number_of_parameters(
    assemble_model: Any, name: str, stages: tuple[int, ...], preact: bool, shortcut: str, bias: bool, normed: bool
) -> None:
    width, own = 6, {"depth": 14} if name == "resnet" else {}
    at = ("before_act",) if normed else ()
    options = {"width": width, "preact": preact, "shortcut": shortcut, "bias": bias} | own
    model = assemble_model(name, (1, 8, 8), 7, norm="batch", at=at, **options)
    blocks = blocks_of(stages, width)
    conv = [(9, 1, width), *((9, *pair) for n, m, _ in blocks for pair in ((n, m), (m, m)))]
    projections = [(1, n, m) for n, m, stride in blocks if stride > 1 and shortcut == "conv"]
    last = blocks[-1][1]
    behind = sum(m for _, _, m in conv + ([] if preact else projections))  # weights that a norm follows
    before = sum(n + m for n, m, _ in blocks) + last  # weights that a norm precedes
    expected = sum(k * n * m + bias * m for k, n, m in conv + projections) + 7 * last + 7
    assert n_params(model) == expected + normed * 2 * (before if preact else behind)


@schemes
def test_schemes_add_scalars(assemble_model: Any, scheme: str) -> None:
    """Fixup has per block two biases before weights, two before activations and a multiplier; stem and head have one
    bias each; in pre-activation the last activation has a bias, and the stem none."""

    def count(chosen: str, preact: bool) -> int:
        return n_params(assemble_model("resnet", CIFAR, 10, depth=20, scheme=chosen, preact=preact))

    added = {preact: count(scheme, preact) - count("none", preact) for preact in (False, True)}
    assert added == ({False: 9, True: 9} if scheme == "skipinit" else {False: 9 * 5 + 2, True: 9 * 5 + 2})


# --- the order of layers


def order(model: Model) -> list[str]:
    """Return weights, activations, and sites that have a norm, in call order."""
    words = {"Conv2d": "weight", "Linear": "weight", "ReLU": "act"}
    called = [words.get(layer.kind, "norm" if layer.norm else "") for layer in layers(model, 2)]
    return [word for word in called if word]


def published(preact: bool, shortcut: str) -> list[str]:
    """Return the order of ResNet-14 as in the papers' figures, the branch before the shortcut."""
    opening = {True: ["norm", "act", "weight"] * 2, False: ["weight", "norm", "act", "weight", "norm"]}[preact]
    projection = {"A": [], "conv": ["weight"] if preact else ["weight", "norm"]}[shortcut]
    end = [] if preact else ["act"]
    blocks = [[*opening, *(projection if i in (2, 4) else []), *end] for i in range(6)]
    stem, last = (["weight"], ["norm", "act"]) if preact else (["weight", "norm", "act"], [])
    return [*stem, *chain.from_iterable(blocks), *last, "weight"]


@topologies
def test_order_is_the_published_one(assemble_model: Any, preact: bool, shortcut: str) -> None:
    options = {"depth": 14, "width": 4, "preact": preact, "shortcut": shortcut}
    model = assemble_model("resnet", (1, 8, 8), 3, norm="layer", at=("before_act",), **options)
    assert order(model) == published(preact, shortcut)


@pytest.mark.parametrize(
    ("preact", "site", "stem", "block", "last"),
    [
        (False, "before_weight", "weight act", "norm weight act norm weight weight act", ""),
        (False, "after_act", "weight act norm", "weight act norm weight weight act norm", ""),
        (False, "after_add", "weight act", "weight act weight weight norm act", ""),
        (True, "before_weight", "weight", "act norm weight act norm weight weight", "act"),
        (True, "after_act", "weight", "act norm weight act norm weight weight", "act norm"),
        (True, "after_add", "weight", "act weight act weight weight norm", "act"),
    ],
)
def test_order_at_other_sites(assemble_model: Any, preact: bool, site: str, stem: str, block: str, last: str) -> None:
    """`block` has a projection, whose weight is its last; the first block has none."""
    options = {"depth": 8, "width": 4, "preact": preact, "shortcut": "conv"}
    model = assemble_model("resnet", (1, 8, 8), 3, norm="layer", at=(site,), **options)
    branch, end = block.rsplit("weight", 1)
    expected = " ".join([stem, branch + end, block, block, last, "weight"])
    assert order(model) == expected.split()


def test_layers_of_a_block_come_in_order(assemble_model: Any) -> None:
    model = assemble_model("resnet", (1, 8, 8), 3, depth=8, width=4, shortcut="conv", dropout=0.5)
    found = [(layer.path.removeprefix("blocks.1."), layer.shape) for layer in layers(model, 2)]
    assert [(path, shape[0]) for path, shape in found if shape[1:] == (4, 4)] == [
        ("first.weight", 8), ("first.before_act", 8), ("first.act", 8), ("first.after_act", 8),
        ("second.dropout", 8), ("second.before_weight", 8), ("second.weight", 8), ("second.before_act", 8),
        ("shortcut.weight", 8), ("shortcut.before_act", 8), ("join.after_add", 8), ("join.act", 8),
        ("join.after_act", 8), ("blocks.2.first.before_weight", 8),
    ]  # fmt: skip


def test_branch_only_leaves_stem_shortcuts_and_sums_without_norm(assemble_model: Any) -> None:
    def normed(preact: bool, at: str = "before_act", norm: str = "layer") -> list[str]:
        options = {"depth": 14, "width": 4, "preact": preact, "shortcut": "conv", "branch_only": True}
        model = assemble_model("resnet", (1, 8, 8), 3, norm=norm, at=(at,), **options)
        return [layer.path for layer in layers(model, 2) if layer.norm]

    def of_blocks(*points: str) -> list[str]:
        return [f"blocks.{i}.{point}" for i in range(6) for point in points]

    assert normed(False) == of_blocks("first.before_act", "second.before_act")
    assert normed(False, "after_act") == of_blocks("first.after_act")
    assert normed(False, norm="weight") == of_blocks("first.weight", "second.weight")
    shared = {f"blocks.{i}.first.before_act" for i in (0, 2, 4)}  # both paths follow the first activation of a stage
    assert normed(True) == [p for p in of_blocks("first.before_act", "second.before_act") if p not in shared]
    with pytest.raises(Refused, match="placement=after_add: model=resnet has no such site"):
        normed(False, "after_add")


# --- what they compute


class PlainBlock(nn.Module):
    def __init__(self, n: int, m: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m)
        self.conv2, self.bn2 = nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m)
        self.stride, self.extra = stride, m - n
        if stride > 1 and shortcut == "conv":
            self.project = nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m))

    def skip(self, x: Tensor) -> Tensor:
        if hasattr(self, "project"):
            return self.project(x)
        x = F.avg_pool2d(x, 1, self.stride)  # whose window is one pixel
        return torch.cat([x, x.new_zeros(len(x), self.extra, *x.shape[2:])], 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.skip(x))


class PlainPreactBlock(nn.Module):
    def __init__(self, n: int, m: int, stride: int, shortcut: str, shares: bool) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(n), nn.Conv2d(n, m, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(m), nn.Conv2d(m, m, 3, 1, 1, bias=False)
        self.stride, self.extra, self.shares = stride, m - n, shares
        if stride > 1 and shortcut == "conv":
            self.project = nn.Conv2d(n, m, 1, stride, bias=False)

    skip = PlainBlock.skip

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.bn1(x))
        return self.conv2(F.relu(self.bn2(self.conv1(h)))) + self.skip(h if self.shares else x)


def plain(stages: Sequence[int], width: int, preact: bool, shortcut: str, outputs: int) -> nn.Module:
    parts: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False)]
    if not preact:
        parts += [nn.BatchNorm2d(width), nn.ReLU()]
    opening = [0, *(sum(stages[: i + 1]) for i in range(len(stages)))]
    for i, (n, m, stride) in enumerate(blocks_of(stages, width)):
        shape = n, m, stride, shortcut
        parts.append(PlainPreactBlock(*shape, shares=i in opening) if preact else PlainBlock(*shape))
    last = width * 2 ** (len(stages) - 1)
    if preact:
        parts += [nn.BatchNorm2d(last), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, outputs)).double()


@topologies
@pytest.mark.parametrize(("name", "stages"), [("resnet", (2, 2, 2)), ("resnet18", (2, 2, 2, 2))])
def test_equals_a_plain_net(
    build_model: Any, assert_same_function: Any, name: str, stages: tuple[int, ...], preact: bool, shortcut: str
) -> None:
    options = {"width": 4, "preact": preact, "shortcut": shortcut} | ({"depth": 14} if name == "resnet" else {})
    ours = build_model(name, SMALL, 5, norm="batch", at=("before_act",), init="he", **options)
    other = plain(stages, 4, preact, shortcut, 5)
    x = torch.randn(6, *SMALL, dtype=torch.float64)
    assert_same_function(ours, other, x)
    torch.testing.assert_close(ours.eval()(x), other.eval()(x), rtol=1e-10, atol=1e-10)


class PlainScheme(nn.Module):
    """ResNet-14 with SkipInit or Fixup, with its parameters in the order of their use."""

    def __init__(self, like: nn.Module, scheme: str, preact: bool) -> None:
        super().__init__()
        self.values = nn.ParameterList(torch.empty_like(p) for p in like.parameters())
        self.scheme, self.preact = scheme, preact

    def forward(self, x: Tensor) -> Tensor:
        values = iter(self.values)

        def shift(h: Tensor) -> Tensor:
            return h + next(values) if self.scheme == "fixup" else h

        def act(h: Tensor) -> Tensor:
            return F.relu(shift(h))

        def scaled(h: Tensor) -> Tensor:
            h = h * next(values)
            return h if self.preact else shift(h)

        h = F.conv2d(x, next(values), padding=1)
        h = h if self.preact else act(h)
        for i, (n, m, stride) in enumerate(blocks_of((2, 2, 2), 4)):
            skip = h
            if self.preact:
                h = act(h)
            h = shift(h)
            if stride > 1 or (self.preact and i == 0):
                skip = h  # the authors' code: downsample(x + bias1a)
            skip = F.pad(skip[..., ::stride, ::stride], (0, 0, 0, 0, 0, m - n))
            branch = F.conv2d(h, next(values), stride=stride, padding=1)
            branch = scaled(F.conv2d(shift(act(branch)), next(values), padding=1))
            h = branch + skip if self.preact else F.relu(branch + skip)
        h = act(h) if self.preact else h
        y = F.linear(shift(h.mean((2, 3))), next(values), next(values))
        assert next(values, None) is None
        return y


@schemes
@pytest.mark.parametrize("preact", [False, True])
def test_schemes_equal_a_plain_net(build_model: Any, assert_same_function: Any, scheme: str, preact: bool) -> None:
    ours = build_model("resnet", SMALL, 5, depth=14, width=4, scheme=scheme, preact=preact)
    with torch.no_grad():
        for p in ours.parameters():
            p.add_(0.1 * torch.randn_like(p))  # not at initialization, where most are 0
    assert_same_function(ours, PlainScheme(ours, scheme, preact), torch.randn(6, *SMALL, dtype=torch.float64))


# --- initial values


@schemes
@topologies
@pytest.mark.parametrize("init", ["he", "torch"])
def test_branches_give_nothing_at_initialization(
    build_model: Any, scheme: str, preact: bool, shortcut: str, init: str
) -> None:
    options = {"depth": 14, "width": 4, "preact": preact, "shortcut": shortcut, "bias": True}
    model = build_model("resnet", SMALL, 5, scheme=scheme, init=init, **options)
    h = model.stem(torch.randn(6, *SMALL, dtype=torch.float64))
    for block in model.blocks:
        y, shared = block(h), block.shared(h)
        assert not block.second(block.first(shared)).any()
        expected = block.shortcut(shared)
        torch.testing.assert_close(y, expected if preact else expected.relu(), rtol=0, atol=0)
        if isinstance(block.shortcut, nn.Identity) and isinstance(block.shared, nn.Identity):
            assert torch.equal(y, h)  # a post-activation net has no negative values of it
        h = y
    out = model(torch.randn(6, *SMALL, dtype=torch.float64))
    assert out.any() == (scheme == "skipinit")


@schemes
def test_schemes_start_from_the_weights_of_the_net_without(build_model: Any, scheme: str) -> None:
    """Except for Fixup's zeros, and its scaling by L^(-1/2) with L branches of two weights."""
    base, net = (dict(build_model("resnet", SMALL, 5, depth=20, scheme=s).named_parameters()) for s in ("none", scheme))
    assert base.keys() < net.keys()
    for name, weight in base.items():
        factor = 1.0
        if scheme == "fixup":
            zero = ".second." in name or name.startswith("head.")
            factor = 0.0 if zero else 9**-0.5 if ".first." in name else 1.0
        torch.testing.assert_close(net[name], weight * factor, rtol=1e-6, atol=0)
    multiplier = 0.0 if scheme == "skipinit" else 1.0
    assert {name.rpartition(".")[2]: set(net[name].tolist()) for name in net.keys() - base.keys()} == (
        {"scale": {multiplier}} | ({"shift": {0.0}} if scheme == "fixup" else {})
    )


def test_topologies_and_norms_start_from_the_same_weights(build_model: Any) -> None:
    def start(**options: Any) -> dict[str, Tensor]:
        net = build_model("resnet", SMALL, 5, depth=8, width=4, **options)
        return {name: p for name, p in net.named_parameters() if p.ndim > 1 and "shortcut" not in name}

    base = start()
    for options in ({"preact": True}, {"shortcut": "conv"}, {"norm": "batch", "at": ("before_act",)}):
        torch.testing.assert_close(start(**options), base, rtol=0, atol=0)


@pytest.mark.parametrize("norm", ["weight", "spectral", "scaled_weight_standardization"])
def test_skipinit_goes_with_a_norm_of_weights(build_model: Any, norm: str) -> None:
    model = build_model("resnet", SMALL, 5, depth=8, width=4, scheme="skipinit", norm=norm)
    assert model(torch.randn(2, *SMALL, dtype=torch.float64)).isfinite().all()


# --- sites and refusals


def every(name: str, assemble: Any, **options: Any) -> Iterator[str]:
    model = assemble(name, (1, 8, 8), 3, width=4, **options)
    yield from (site.kind for site in sites(model).values())


@topologies
def test_number_of_sites(assemble_model: Any, preact: bool, shortcut: str) -> None:
    found = list(every("resnet", assemble_model, depth=14, preact=preact, shortcut=shortcut))
    weights = 1 + 2 * 6
    projections = 2 if shortcut == "conv" and not preact else 0
    assert {kind: found.count(kind) for kind in set(found)} == {
        "before_weight": weights - 1, "before_act": weights + projections, "after_act": weights, "after_add": 6,
        "output": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("depth", "nearest"), [(1, 8), (2, 8), (7, 8), (9, 8), (10, 8), (12, 14), (18, 20), (50, 50), (100, 98), (111, 110)]
)
def test_a_depth_outside_the_family_is_refused_with_the_nearest(assemble_model: Any, depth: int, nearest: int) -> None:
    if depth == nearest:
        assert len(assemble_model("resnet", CIFAR, 10, depth=depth).blocks) == (depth - 2) // 2
        return
    with pytest.raises(Refused, match=rf"model\.depth={depth} is not 6n\+2 .*: use {nearest}$"):
        assemble_model("resnet", CIFAR, 10, depth=depth)


def test_depths_of_the_family(assemble_model: Any) -> None:
    for lower, depth in pairwise((2, 8, 14, 20, 26)):
        assert len(assemble_model("resnet", (1, 8, 8), 3, width=2, depth=depth).blocks) == (lower + 4) // 2


@schemes
@pytest.mark.parametrize("norm", ["batch", "weight_mean_only_batch"])
def test_schemes_stand_in_place_of_norms(assemble_model: Any, scheme: str, norm: str) -> None:
    with pytest.raises(Refused, match=rf"model\.scheme={scheme} replaces norms: take norm=none"):
        assemble_model("resnet", SMALL, 5, norm=norm, at=("before_act",), scheme=scheme)


def test_fixup_goes_with_no_norm_of_weights(assemble_model: Any) -> None:
    with pytest.raises(Refused, match=r"model\.scheme=fixup starts from weights of 0, .*: take norm=none"):
        assemble_model("resnet", SMALL, 5, norm="weight", scheme="fixup")


@pytest.mark.parametrize("name", ["resnet", "resnet18", "vgg"])
def test_data_that_are_no_images_are_refused(assemble_model: Any, name: str) -> None:
    with pytest.raises(Refused, match=rf"model={name} needs images .* use model=mlp"):
        assemble_model(name, (20,), 10)


@pytest.mark.parametrize("side", [1, 2, 3, 8])
def test_takes_small_pictures(build_model: Any, side: int) -> None:
    for shortcut in ("A", "conv"):
        model = build_model("resnet18", (1, side, side), 3, width=2, shortcut=shortcut)
        assert model(torch.randn(2, 1, side, side, dtype=torch.float64)).isfinite().all()


@topologies
def test_channels_last_stays_channels_last(build_model: Any, preact: bool, shortcut: str) -> None:
    options = {"depth": 8, "width": 4, "preact": preact, "shortcut": shortcut}
    model = build_model("resnet", (3, 8, 6), 5, norm="batch", at=("before_act",), **options)
    x = torch.randn(6, 3, 8, 6, dtype=torch.float64)
    expected = model(x)
    model.to(memory_format=torch.channels_last)
    seen: list[bool] = []

    def note(_: nn.Module, __: Any, y: Tensor) -> None:
        seen.append(y.is_contiguous(memory_format=torch.channels_last))

    for block in model.blocks:
        block.register_forward_hook(note)
        block.shortcut.register_forward_hook(note)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected)
    assert seen == [True] * 6
