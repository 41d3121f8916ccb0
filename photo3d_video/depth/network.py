"""The built-in depth network: an EfficientNet-Lite encoder from timm with a light top-down decoder.

Two heads share the decoder: relative disparity (affine-invariant, larger is nearer) and a subject-mask logit
(people, animals, vehicles, furniture that stands out). The decoder ends at half the input's resolution; what is
finer than that comes from snapping depth edges to colour edges afterwards (`inpaint.edges`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from timm.models import efficientnet
from torch import Tensor, nn

ENCODER = "tf_efficientnet_lite2"
STRIDE = 32  # input sides must be multiples of this


class Separable(nn.Sequential):
    """Depthwise 5x5 then pointwise convolution: a wide view for few multiplications."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_in, 5, padding=2, groups=n_in, bias=False),
            nn.Conv2d(n_in, n_out, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU6(inplace=True),
        )


class Merge(nn.Module):
    """Upsample the coarser map to the skip connection's size, add the projected skip, refine."""

    def __init__(self, n_coarse: int, n_skip: int, n_out: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(n_skip, n_coarse, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_coarse)
        self.refine = nn.Sequential(Separable(n_coarse, n_out), Separable(n_out, n_out))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(coarse, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.refine(F.relu6(self.norm(up + self.skip(skip))))


class DepthNetwork(nn.Module):
    """(B, 3, H, W) float32 -> disparity (B, H/2, W/2) and subject logit (B, H/2, W/2).

    The input is sRGB as `normalise` makes it; H and W are multiples of `STRIDE`.
    """

    def __init__(self, encoder: str = ENCODER, widths: tuple[int, ...] = (128, 96, 64, 48, 32)) -> None:
        super().__init__()
        make: Callable[..., nn.Module] = getattr(efficientnet, encoder)
        self.encoder = make(features_only=True, pretrained=False)
        info: Any = self.encoder.feature_info
        channels: list[int] = info.channels()[::-1]  # strides 32, 16, 8, 4, 2
        self.top = Separable(channels[0], widths[0])
        self.layout = nn.Sequential(nn.Linear(channels[0], widths[0]), nn.ReLU6(inplace=True))
        self.merges = nn.ModuleList(
            Merge(n_coarse, n_skip, n_out)
            for n_coarse, n_skip, n_out in zip(widths[:-1], channels[1:], widths[1:], strict=True)
        )
        self.disparity = nn.Sequential(Separable(widths[-1], 32), nn.Conv2d(32, 1, 3, padding=1))
        self.subject = nn.Sequential(Separable(widths[-1], 16), nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        *skips, top = self.encoder(image)
        # The whole picture's mean tells near from far where a small window cannot.
        x = self.top(top) + self.layout(top.mean(dim=(2, 3)))[:, :, None, None]
        for merge, skip in zip(self.merges, reversed(skips), strict=True):
            x = merge(x, skip)
        return self.disparity(x)[:, 0], self.subject(x)[:, 0]


def normalise(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) sRGB in 0..255 -> what the encoder was trained on."""
    return (rgb - 127.0) / 128.0
