"""What a mistyped word was meant to be."""

import pytest

from bnlab.text import nearest

OPTIONS = ("data.size", "norm.eps", "norm.learn_eps", "optim.eps", "optim.lr", "optim.weight_decay", "seed", "steps")
NORMS = ("batch", "batch_renorm", "layer", "none")

# (the word, what is known): what is said
NEAREST: dict[tuple[str, tuple[str, ...]], str] = {
    ("LAYER", NORMS): "did you mean layer?",
    ("batch-renorm", NORMS): "did you mean batch_renorm?",
    ("batchnorm2d", NORMS): "did you mean batch?",
    ("lay", NORMS): "did you mean layer?",
    ("zzz", NORMS): "available: batch, batch_renorm, layer, none",
    ("after", ("after_add", "after_act", "before_act")): "did you mean after_act?",
    ("sed", OPTIONS): "did you mean seed?",
    ("step", OPTIONS): "did you mean steps?",
    ("lr", OPTIONS): "did you mean optim.lr?",
    ("optim.weight", OPTIONS): "did you mean optim.weight_decay?",
    ("optim.esp", OPTIONS): "did you mean optim.eps?",
    ("optim.size", OPTIONS): "did you mean data.size?",
    ("optim.learning", OPTIONS): "available: optim.eps, optim.lr, optim.weight_decay",
    ("opitm.lr", OPTIONS): "did you mean optim.lr?",
    ("x", tuple(map(str, range(100)))): "`bnlab train --cfg job` prints all options",
}


@pytest.mark.parametrize(("word", "known"), NEAREST)
def test_nearest(word: str, known: tuple[str, ...]) -> None:
    assert nearest(word, known) == NEAREST[word, known]
