"""Grids are counted before they are laid out."""

import itertools
from collections.abc import Sequence

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.sweeps.layout.combinations import Axis, axes, check_size, lay_out

NAMES = ("_base", "batch", "batch_renorm", "layer", "none")


def product(*words: str) -> list[Axis]:
    parsed = OverridesParser.create().parse_overrides([quoted(word) for word in words])
    return axes(parsed, lambda group: NAMES if group == "norm" else ())


# word: the overrides of its runs
LAID_OUT: dict[str, Sequence[str]] = {
    "seed=1": ["seed=1"],
    "seed=1,2": ["seed=1", "seed=2"],
    "seed=range(0,3)": ["seed=0", "seed=1", "seed=2"],
    "seed=range(3)": ["seed=0", "seed=1", "seed=2"],
    "seed=range(3,0,-1)": ["seed=3", "seed=2", "seed=1"],
    "seed=range(0,5,2)": ["seed=0", "seed=2", "seed=4"],
    "optim.lr=range(0.5,2,0.5)": ["optim.lr=0.5", "optim.lr=1.0", "optim.lr=1.5"],
    "optim.lr=1e-3": ["optim.lr=0.001"],
    "seed=choice(1,2)": ["seed=1", "seed=2"],
    "seed=sort(2,1)": ["seed=1", "seed=2"],
    "seed=tag(a,choice(1,2))": ["seed=1", "seed=2"],
    "norm=glob(b*)": ["norm=batch", "norm=batch_renorm"],
    "norm=glob(*)": ["norm=batch", "norm=batch_renorm", "norm=layer", "norm=none"],
    "norm=glob([l*,n*])": ["norm=layer", "norm=none"],
    "norm=glob(*,exclude=b*)": ["norm=layer", "norm=none"],
    "study=é,2024": ["study='é'", "study='2024'"],
    "study=choice(2024)": ["study='2024'"],
    "study=range(0,2)": ["study='0'", "study='1'"],
    "study=null": ["study=null"],
    "study=a b": ["study='a b'"],
    "plugins=[a b.py],[c.py]": ["plugins=['a b.py']", "plugins=[c.py]"],
    "when=[init,1]": ["when=[init,1]"],
    "~diagnostics.landscape": ["~diagnostics.landscape"],
    "++seed=1,2": ["++seed=1", "++seed=2"],
    "rerun=true": ["rerun=True"],
    "model.activation='relu'": ["model.activation=relu"],
}


@pytest.mark.parametrize("word", LAID_OUT)
def test_each_value_is_a_run(word: str) -> None:
    (axis,) = product(word)
    assert list(lay_out([axis])) == [[one] for one in LAID_OUT[word]]
    assert axis.count == len(LAID_OUT[word])


def test_the_last_axis_varies_fastest_and_the_last_word_stands() -> None:
    found = list(lay_out(product("seed=5", "norm=batch,layer", "seed=0,1")))
    assert found == [[f"seed={seed}", f"norm={norm}"] for seed, norm in itertools.product((0, 1), ("batch", "layer"))]


@pytest.mark.parametrize("count", [1, 7, 1000])
@pytest.mark.parametrize("step", ["1", "-3", "0.1", "0.25", "1e-3"])
def test_ranges_are_counted_as_they_are_laid_out(step: str, count: int) -> None:
    stop = float(step) * (count - 0.5)
    (axis,) = product(f"optim.lr=range(0,{stop},{step})")
    assert axis.count == len(axis.words()) == count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([["seed=range(0,1000000000)"]], r"1,000,000,000 runs \(seed alone has 1,000,000,000"),
        ([["seed=range(0,1000)", "data.split_seed=range(0,1000)"]], "1,000,000 runs"),
        ([["seed=range(0,60)"], ["seed=range(0,60)"]], r"120 runs \(seed alone has 60"),
        ([["seed=range(0,1e300)"]], r"1.0e\+300 runs"),
        ([["seed=range(0,10000000000000000000000000)"]], r"1.0e\+25 runs"),
        ([["seed=range(0,1e308)", "epochs=range(1,1e308)"]], "runs"),
    ],
)
def test_a_grid_that_is_too_large(words: list[list[str]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_size([product(*one) for one in words], 100)


def test_a_grid_that_is_just_not_too_large() -> None:
    check_size([product("seed=range(0,10)", "norm=batch,layer"), product("seed=0,1,2")], 23)
    with pytest.raises(BadInput, match=r"sweep\.max_runs=22"):
        check_size([product("seed=range(0,10)", "norm=batch,layer"), product("seed=0,1,2")], 22)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("data.val_size=interval(0.1,1)", "list them, data.val_size=0.1,1"),
        ("optim.lr=interval(1,0.1)", "two rates above 0, the lower one first"),
        ("norm=glob(x*)", "matches no norm; available: batch"),
        ("norm=glob(btch*)", "matches no norm"),
        ("seed=glob(*)", "seed is not one"),
        ("seed=range(3,3)", "has no values"),
        ("seed=range(0,3,-1)", "has no values"),
        ("optim.lr=range(0,1,0)", "never ends"),
        ("optim.lr=range(0,1,0.0)", "never ends"),
        ("optim.lr=range(0,nan)", "never ends"),
        ("optim.lr=range(0,inf)", "never ends"),
    ],
)
def test_what_names_no_values(word: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        product(word)
