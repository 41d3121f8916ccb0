"""The context-aware inpainting network: an EfficientNet-Lite encoder from timm with a light depthwise decoder.

It paints colour and disparity into a synthesis region from a context region and sees nothing else: its input outside
the context is a smooth fill from the context, and its output is added to that. Untrained, it is a diffusion fill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from timm.models import efficientnet
from torch import Tensor, nn

ENCODER = "tf_efficientnet_lite0"
STRIDE = 32  # input sides must be multiples of this
INPUTS, OUTPUTS = 6, 4
KERNELS = (5, 5, 5, 3)  # of the decoder's depthwise convolutions; a narrower last one saves a seventh of the time


class Separable(nn.Sequential):
    """Depthwise then pointwise convolution: a wide view for few multiplications."""

    def __init__(self, n_in: int, n_out: int, kernel: int = 5) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_in, kernel, padding=kernel // 2, groups=n_in, bias=False),
            nn.Conv2d(n_in, n_out, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU6(inplace=True),
        )


class Merge(nn.Module):
    """Upsample the coarser map to the skip connection's size, add the projected skip, refine."""

    def __init__(self, n_coarse: int, n_skip: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(n_skip, n_coarse, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_coarse)
        self.refine = nn.Sequential(Separable(n_coarse, n_out, kernel), Separable(n_out, n_out, kernel))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(coarse, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        refined: Tensor = self.refine(F.relu6(self.norm(up + self.skip(skip))))
        return refined


class InpaintingNetwork(nn.Module):
    """(B, 6, H, W) float32 -> (B, 4, H, W): colour and disparity, of use in the synthesis region.

    Input: colour 0..1 (3) and disparity 0..1, both filled smoothly outside the context (`inpaint.filters.push_pull`);
    context mask, synthesis mask, 0 or 1. H and W are multiples of `STRIDE`.
    """

    def __init__(self, encoder: str = ENCODER, widths: tuple[int, ...] = (192, 128, 80, 56, 40)) -> None:
        super().__init__()
        make: Callable[..., nn.Module] = getattr(efficientnet, encoder)
        self.encoder = make(features_only=True, pretrained=False, in_chans=INPUTS)
        info: Any = self.encoder.feature_info
        channels: list[int] = info.channels()[::-1]  # strides 32, 16, 8, 4, 2
        # Full resolution enters and leaves the decoder folded 2x2 into channels: nothing runs at stride 1.
        channels[-1] += 4 * INPUTS
        self.top = Separable(channels[0], widths[0])
        self.merges = nn.ModuleList(
            Merge(n_coarse, n_skip, n_out, kernel)
            for n_coarse, n_skip, n_out, kernel in zip(widths[:-1], channels[1:], widths[1:], KERNELS, strict=True)
        )
        self.head = nn.Conv2d(widths[-1], 4 * OUTPUTS, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        colour = (inputs[:, :3] * 255 - 127) / 128  # what the encoder was trained on
        seen = torch.cat([colour, inputs[:, 3:]], 1).contiguous(memory_format=torch.channels_last)
        *skips, top = self.encoder(seen)
        skips[0] = torch.cat([skips[0], F.pixel_unshuffle(seen, 2)], 1)
        x = self.top(top)
        for merge, skip in zip(self.merges, reversed(skips), strict=True):
            x = merge(x, skip)
        return inputs[:, :OUTPUTS] + F.pixel_shuffle(self.head(x), 2)
