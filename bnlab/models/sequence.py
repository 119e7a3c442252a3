"""Examples as sequences.

Legend: B batch, T time steps, I inputs per step, C channels, H height, W width, P pixels, F features.
"""

import torch
from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.rng import generator


class Sequence(nn.Module):
    """A view of images (B, C, H, W) as T = H rows of I = C·W values each, or as T = H·W pixels of I = C values each.

    Features (B, F) are F steps of one value each. With `permute` the pixels (or features) of every image are first
    permuted, in one order that depends only on their number P and is the same in every run.

    Attributes:
        steps: T of the data that the model is built for.
        inputs: I.

    Raises:
        Refused: rows of data that are not images.

    Source: Le, Jaitly & Hinton 2015, arXiv:1504.00941, section 4.2 (pixel by pixel, and permuted).
    """

    order_P: Tensor | None

    def __init__(self, shape: tuple[int, ...], sequence: str, permute: bool) -> None:
        super().__init__()
        if len(shape) != 3 and sequence == "rows":
            raise Refused(
                f"model.sequence=rows needs images (channels, height, width), but an example here has shape {shape}: "
                "take model.sequence=pixels, one value per step"
            )
        channels, height, width = shape if len(shape) == 3 else (1, 1, *shape)
        self.rows = sequence == "rows"
        self.steps, self.inputs = (height, channels * width) if self.rows else (height * width, channels)
        self.register_buffer("order_P", torch.empty(height * width, dtype=torch.long) if permute else None)

    def reset_parameters(self) -> None:
        """Draw the order, independently of the run's seed."""
        if (order := self.order_P) is not None:
            order.copy_(torch.randperm(len(order), generator=generator(0, "permutation of pixels", len(order))))

    def forward(self, x: Tensor) -> Tensor:
        """Map x_BCHW or x_BF to x_BTI."""
        x_BCP = x.flatten(2) if x.ndim > 2 else x.unsqueeze(1)
        if self.order_P is not None:
            x_BCP = x_BCP[:, :, self.order_P]
        if not self.rows:
            return x_BCP.transpose(1, 2)
        return x_BCP.reshape(x.shape).transpose(1, 2).flatten(2)

    def extra_repr(self) -> str:
        return f"{self.steps} steps of {self.inputs}, permuted={self.order_P is not None}"
