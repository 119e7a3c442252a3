"""Random shifts and reflections of a batch of images.

An image is shifted vertically and horizontally by up to an eighth of its side (4 pixels at 32, 3 at 28, 1 at 8), with
the border filled by reflection; colour images (three channels) are also mirrored left to right with probability 1/2.
Grey images are not mirrored, because digits and letters have a reading direction.

Shapes: R replicas (absent for one), B examples, C channels, H height, W width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

COLOUR = 3
SHARE = 8  # the largest shift is 1/SHARE of the side


def augment(x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Return augmented copies of x (B,C,H,W) with one CPU generator, or of x (R,B,C,H,W) with R of them.

    Replica r gets the same result as alone with `generators[r]`. Draws are made on the CPU, so devices do not matter.
    """
    *leading, channels, height, width = x.shape
    down, right = height // SHARE, width // SHARE
    u = torch.stack([torch.rand(3, leading[-1], generator=generator, dtype=torch.float32) for generator in generators])
    u_3N = u.transpose(0, 1).reshape(3, -1).to(x.device)
    dy_N = (u_3N[0] * (2 * down + 1)).long()
    dx_N = (u_3N[1] * (2 * right + 1)).long()
    mirror_N = (u_3N[2] < 0.5) & (channels == COLOUR)

    x_NCHW = pad(x.reshape(-1, channels, height, width), (right, right, down, down), mode="reflect")
    column_W = torch.arange(width, device=x.device)
    rows_NH = torch.arange(height, device=x.device) + dy_N[:, None]
    columns_NW = torch.where(mirror_N[:, None], column_W.flip(0), column_W) + dx_N[:, None]
    n = torch.arange(len(x_NCHW), device=x.device)
    c = torch.arange(channels, device=x.device)
    taken = x_NCHW[n[:, None, None, None], c[:, None, None], rows_NH[:, None, :, None], columns_NW[:, None, None, :]]
    return taken.reshape(x.shape)
