"""The network that looks at a photo and its blurred depth, for depth edges and for thin things.

Its decoder ends at full resolution. Untrained, it changes no depth.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint.encoder_decoder import EncoderDecoder, Separable, normalise

ENCODER = "tf_efficientnet_lite0"
INPUTS, OUTPUTS = 5, 2
WIDTHS, FINE = (96, 64, 48, 32, 32), 24
SURE = 0.02  # a place is taken for no surer than this: what the network adds must be able to change it


class EdgeNetwork(EncoderDecoder):
    """(B, 5, H, W) float32 in 0..1 -> (B, 2, H, W) in 0..1.

    Input: colour (3), place and span. Place is where between the farthest and the nearest of its surroundings a pixel
    is, span how far those are apart. Output: the place that each pixel should have, and how likely it is part of a thin
    thing that stands before both of its sides. H and W are multiples of `inpaint.encoder_decoder.STRIDE`.
    """

    def __init__(self) -> None:
        super().__init__(ENCODER, INPUTS, WIDTHS)
        last = nn.Conv2d(FINE, OUTPUTS, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.fine = nn.Sequential(
            nn.Conv2d(WIDTHS[-1] + INPUTS, FINE, 3, padding=1, bias=False),
            nn.BatchNorm2d(FINE),
            nn.ReLU6(inplace=True),
            Separable(FINE, FINE),
            last,
        )

    def forward(self, inputs: Tensor) -> Tensor:
        colour = normalise(inputs[:, :3] * 255)
        seen = torch.cat([colour, 2 * inputs[:, 3:] - 1], 1).contiguous(memory_format=torch.channels_last)
        *skips, top = self.encoder(seen)
        x = self.decode(self.top(top), skips)
        x = F.interpolate(x, size=seen.shape[-2:], mode="bilinear", align_corners=False)
        change, thin = self.fine(torch.cat([x, seen], 1)).unbind(1)
        place = torch.logit(inputs[:, 3].clamp(SURE, 1 - SURE))
        return torch.sigmoid(torch.stack([place + change, thin], 1))
