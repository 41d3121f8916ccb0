"""How far apart two pictures look to an ImageNet network: squared distance of EfficientNet-Lite0's early features."""

from __future__ import annotations

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.encoder import load_imagenet

ENCODER = "tf_efficientnet_lite0"
STAGES = 3  # strides 2, 4 and 8


class FeatureNetwork(nn.Module):
    """sRGB (B, 3, H, W) in 0..1 -> features of the first stages, (B, C, H / 2^k, W / 2^k) each; frozen."""

    def __init__(self) -> None:
        super().__init__()
        whole = timm.create_model(ENCODER, features_only=True, pretrained=False)
        load_imagenet(whole, ENCODER)
        self.encoder = timm.create_model(ENCODER, features_only=True, pretrained=False, out_indices=range(STAGES))
        self.encoder.load_state_dict({k: v for k, v in whole.state_dict().items() if k in self.encoder.state_dict()})
        self.requires_grad_(False).eval()

    def forward(self, rgb: Tensor) -> list[Tensor]:
        x = ((rgb * 255 - 127) / 128).contiguous(memory_format=torch.channels_last)
        stages: list[Tensor] = self.encoder(x)
        return stages


def feature_distance(features: list[Tensor], others: list[Tensor], where: Tensor) -> Tensor:
    """(B,): squared distance of two pictures' features, mean over channels, pixels `where` (B, 1, H, W) and stages."""
    total = torch.zeros(len(where), device=where.device)
    for a, b in zip(features, others, strict=True):
        weight = F.adaptive_avg_pool2d(where.float(), (a.shape[2], a.shape[3]))
        squares = (a.float() - b.float()).square().mean(1, keepdim=True)
        total = total + (squares * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1e-6)
    return total / len(features)
