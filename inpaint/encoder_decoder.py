"""What all networks here are built on: an EfficientNet-Lite encoder from timm with a light top-down decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from timm.models import efficientnet
from torch import Tensor, nn

STRIDE = 32  # input sides must be multiples of this


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


class EncoderDecoder(nn.Module):
    """From a picture of `inputs` channels down to stride 32 and up again to stride 2, where `widths[-1]` channels are.

    `widths` and `kernels` of the decoder: at strides 32, 16, 8, 4, 2, and of the four steps between them. `extra`
    channels join those that the encoder has at stride 2.
    """

    def __init__(
        self, encoder: str, inputs: int, widths: Sequence[int], kernels: Sequence[int] = (5, 5, 5, 5), extra: int = 0
    ) -> None:
        super().__init__()
        make: Callable[..., nn.Module] = getattr(efficientnet, encoder)
        self.encoder = make(features_only=True, pretrained=False, in_chans=inputs)
        info: Any = self.encoder.feature_info
        channels: list[int] = info.channels()[::-1]
        channels[-1] += extra
        self.top_channels = channels[0]  # that the encoder ends with
        self.top = Separable(channels[0], widths[0])
        self.merges = nn.ModuleList(map(Merge, widths[:-1], channels[1:], widths[1:], kernels))

    def decode(self, top: Tensor, skips: list[Tensor]) -> Tensor:
        """What `self.top` made of the encoder's last map, with the other maps, the finest first -> (B, C, H/2, W/2)."""
        for merge, skip in zip(self.merges, reversed(skips), strict=True):
            top = merge(top, skip)
        return top


def normalise(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) sRGB in 0..255 -> what the encoders were trained on."""
    return (rgb - 127.0) / 128.0
