"""Augmentation of batches. Shapes: R replicas, B examples, C channels, H height, W width."""

import numpy as np
import pytest
import torch

from bnlab.data.augment import augment


def draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference(x_CHW: torch.Tensor, dy: int, dx: int, mirrored: bool) -> torch.Tensor:
    """Return the window at (dy, dx) of one image, padded by reflection at its border, then mirrored."""
    _, height, width = x_CHW.shape
    wide = np.pad(x_CHW.numpy(), ((0, 0), (4, 4), (4, 4)), mode="reflect")
    window = wide[:, 4 + dy : 4 + dy + height, 4 + dx : 4 + dx + width]
    return torch.from_numpy((window[:, :, ::-1] if mirrored else window).copy())


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_a_shifted_and_perhaps_mirrored_copy(channels: int) -> None:
    x = torch.randn(40, channels, 16, 24, generator=draws(0))
    out = augment(x, [draws(1)])
    seen = set()
    for image, result in zip(x, out, strict=True):
        matches = [
            (dy, dx, mirrored)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            for mirrored in (False, True)
            if torch.equal(reference(image, dy, dx, mirrored), result)
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert {dy for dy, _, _ in seen} == {-2, -1, 0, 1, 2}
    assert {dx for _, dx, _ in seen} == {-3, -2, -1, 0, 1, 2, 3}
    assert {mirrored for _, _, mirrored in seen} == ({False, True} if channels == 3 else {False})


def test_replicas_get_what_they_would_get_alone() -> None:
    x_RBCHW = torch.randn(3, 5, 3, 8, 8, generator=draws(0))
    together = augment(x_RBCHW, [draws(seed) for seed in (4, 5, 6)])
    for x_BCHW, seed, out in zip(x_RBCHW, (4, 5, 6), together, strict=True):
        assert torch.equal(out, augment(x_BCHW, [draws(seed)]))


def test_images_below_eight_pixels_are_not_shifted() -> None:
    x = torch.randn(4, 1, 7, 7)
    assert torch.equal(augment(x, [draws(0)]), x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_device_changes_nothing() -> None:
    x = torch.randn(6, 3, 16, 16)
    assert torch.equal(augment(x.cuda(), [draws(0)]).cpu(), augment(x, [draws(0)]))
