"""The context-aware inpainting network.

It paints colour and disparity into a synthesis region from a context region and sees nothing else: its input outside
the context is a smooth fill from the context, and its output is added to that. Untrained, it is a diffusion fill.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint.encoder_decoder import EncoderDecoder, normalise

ENCODER = "tf_efficientnet_lite0"
INPUTS, OUTPUTS = 6, 4
WIDTHS = (192, 128, 80, 56, 40)
KERNELS = (5, 5, 5, 3)  # of the decoder's depthwise convolutions; a narrower last one saves a seventh of the time


class InpaintingNetwork(EncoderDecoder):
    """(B, 6, H, W) float32 -> (B, 4, H, W): colour and disparity, of use in the synthesis region.

    Input: colour 0..1 (3) and disparity 0..1, both filled smoothly outside the context (`inpaint.filters.push_pull`);
    context mask, synthesis mask, 0 or 1. H and W are multiples of `inpaint.encoder_decoder.STRIDE`.
    """

    def __init__(self) -> None:
        # Full resolution enters and leaves the decoder folded 2x2 into channels: nothing runs at stride 1.
        super().__init__(ENCODER, INPUTS, WIDTHS, KERNELS, extra=4 * INPUTS)
        self.head = nn.Conv2d(WIDTHS[-1], 4 * OUTPUTS, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        colour = normalise(inputs[:, :3] * 255)
        seen = torch.cat([colour, inputs[:, 3:]], 1).contiguous(memory_format=torch.channels_last)
        *skips, top = self.encoder(seen)
        skips[0] = torch.cat([skips[0], F.pixel_unshuffle(seen, 2)], 1)
        painted = self.head(self.decode(self.top(top), skips))
        return inputs[:, :OUTPUTS] + F.pixel_shuffle(painted, 2)
