"""Batches of an update: each example occurs once per epoch, in an order specific to the epoch."""

import pytest
import torch

from tests.training.parts import prepared


@pytest.mark.parametrize("fused", [False, True])
def test_an_epoch_holds_each_example_once_in_another_order(fused: bool) -> None:
    _, loop = prepared([0.05, 0.1] if fused else [0.05], fused=fused)
    per_epoch = loop.length.per_epoch
    epochs = []
    for epoch in range(2):
        labels = torch.cat([y for n in range(per_epoch) for _, y in loop._batches.at(epoch * per_epoch + n)], dim=-1)
        images = torch.cat(
            [x for n in range(per_epoch) for x, _ in loop._batches.at(epoch * per_epoch + n)], dim=1 if fused else 0
        )
        assert labels.shape[-1] == images.shape[1 if fused else 0] == loop.n_train
        epochs.append(images)
    first, second = (images.flatten(2 if fused else 1) for images in epochs)
    assert not torch.equal(first, second)
    sums = [images.double().sum(-1).sort(dim=-1).values for images in (first, second)]
    torch.testing.assert_close(*sums)


def test_a_step_gives_the_same_batches_whenever_it_is_asked_for() -> None:
    _, loop = prepared([0.05])
    before = loop._batches.at(1)
    loop._batches.at(loop.length.per_epoch + 1)
    for (x, y), (again, labels) in zip(before, loop._batches.at(1), strict=True):
        assert torch.equal(x, again)
        assert torch.equal(y, labels)
