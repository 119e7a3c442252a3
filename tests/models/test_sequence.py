"""Images as sequences of rows or pixels, with one permutation of pixels for all examples."""

from typing import Any

import pytest
import torch

from bnlab.errors import Refused
from bnlab.models.sequence import Sequence


def test_rows_and_pixels() -> None:
    x = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    rows, pixels = Sequence((3, 4, 5), "rows", False), Sequence((3, 4, 5), "pixels", False)
    assert (rows.steps, rows.inputs, pixels.steps, pixels.inputs) == (4, 15, 20, 3)
    assert rows(x).shape == (2, 4, 15)
    assert pixels(x).shape == (2, 20, 3)
    for b, t in ((0, 0), (1, 3)):
        assert torch.equal(rows(x)[b, t], x[b, :, t].flatten())
        assert torch.equal(pixels(x)[b, 5 * t + 2], x[b, :, t, 2])


def test_features_are_one_number_a_step() -> None:
    sequence = Sequence((6,), "pixels", False)
    assert (sequence.steps, sequence.inputs) == (6, 1)
    assert torch.equal(sequence(torch.arange(12.0).view(2, 6))[1, :, 0], torch.arange(6.0, 12.0))


@pytest.mark.parametrize("model", ["lstm", "rnn"])
def test_rows_of_features_are_refused(assemble_model: Any, model: str) -> None:
    with pytest.raises(Refused, match=r"model.sequence=rows needs images .* take model.sequence=pixels"):
        assemble_model(model, (6,), 4)
    assert assemble_model(model, (6,), 4, sequence="pixels").sequence.steps == 6


@pytest.mark.parametrize("sequence", ["rows", "pixels"])
def test_a_permutation_keeps_every_pixel_once(build_model: Any, sequence: str) -> None:
    """Drawing with replacement would keep only 63 % of the pixels."""
    net = build_model("lstm", (2, 28, 28), 4, width=2, sequence=sequence, permute=True)
    order = net.sequence.order_P
    assert sorted(order.tolist()) == list(range(784))
    assert (order == torch.arange(784)).sum() < 10
    x = torch.arange(2 * 784.0).view(1, 2, 28, 28)
    read = net.sequence(x)
    assert sorted(read.flatten().tolist()) == x.flatten().tolist()
    place = read[0].view(28, 2, 28).transpose(1, 2) if sequence == "rows" else read[0]
    assert torch.equal(place.reshape(784, 2)[:, 0], order.float())
    assert torch.equal(place.reshape(784, 2)[:, 1], order.float() + 784)  # both channels in the same way


def test_every_run_has_the_same_permutation(build_model: Any) -> None:
    orders = [
        build_model(model, (1, 5, 5), 4, width=2, permute=True, seed=seed).sequence.order_P
        for model, seed in (("lstm", 0), ("lstm", 1), ("rnn", 2))
    ]
    assert torch.equal(orders[0], orders[1])
    assert torch.equal(orders[0], orders[2])
