"""Tiny depth models of the transformers library with random weights, saved as the large ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from photo3d_video.depth import models
from photo3d_video.depth.models import MODELS

SIZE = (120, 90)
SMALL = MODELS["depth-anything-v2-small"]

# Whether a family gives distances (else inverse depth).
FAMILIES = {
    "depth-anything": False,
    "depth-anything-metric": True,
    "depth-pro": False,
    "dpt": False,
    "dpt-dinov2": True,
    "glpn": True,
    "zoedepth": True,
}


def make(family: str) -> tuple[Any, Any]:
    """A tiny model and its processor."""
    import transformers as t

    encoder = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    neck: dict[str, Any] = {"neck_hidden_sizes": [4, 4, 8, 8], "fusion_hidden_size": 8}
    dinov2 = {"image_size": 28, "patch_size": 14, "reshape_hidden_states": False, "out_indices": [1, 2, 3, 4]}
    patches_of_14 = t.DPTImageProcessor(size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14)
    match family:
        case "depth-anything" | "depth-anything-metric":
            kind = "metric" if family.endswith("metric") else "relative"
            config = t.DepthAnythingConfig(
                backbone_config=t.Dinov2Config(**encoder, **dinov2), patch_size=14, reassemble_hidden_size=16,
                head_hidden_size=8, depth_estimation_type=kind, max_depth=20, **neck,
            )  # fmt: skip
            return t.DepthAnythingForDepthEstimation(config), patches_of_14
        case "depth-pro":
            part = encoder | {"model_type": "dinov2", "num_hidden_layers": 2, "image_size": 32, "patch_size": 8}
            config = t.DepthProConfig(
                patch_size=32, fusion_hidden_size=8, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[8, 8],
                scaled_images_ratios=[0.25, 0.5, 1.0], scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
                scaled_images_feature_dims=[8, 8, 8], use_fov_model=True, num_fov_head_layers=0,
                image_model_config=dict(part), patch_model_config=dict(part), fov_model_config=dict(part),
            )  # fmt: skip
            processor = t.DepthProImageProcessor(size={"height": 128, "width": 128})
            return t.DepthProForDepthEstimation(config), processor
        case "dpt":
            config = t.DPTConfig(image_size=64, patch_size=16, backbone_out_indices=[0, 1, 2, 3], **encoder, **neck)
            return t.DPTForDepthEstimation(config), t.DPTImageProcessor(size={"height": 64, "width": 64})
        case "dpt-dinov2":
            neck["fusion_hidden_size"] = 256  # the projection's size is fixed
            config = t.DPTConfig(
                backbone_config=t.Dinov2Config(**encoder, **dinov2), add_projection=True,
                use_bias_in_fusion_residual=False, **neck,
            )  # fmt: skip
            return t.DPTForDepthEstimation(config), patches_of_14
        case "glpn":
            config = t.GLPNConfig(
                hidden_sizes=[4, 4, 8, 8], depths=[1] * 4, num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=8
            )
            return t.GLPNForDepthEstimation(config), t.GLPNImageProcessor()
        case _:
            stages = ["stage1", "stage2", "stage3", "stage4"]
            beit = t.BeitConfig(
                image_size=64, patch_size=16, out_features=stages, reshape_hidden_states=False, **encoder
            )
            config = t.ZoeDepthConfig(
                backbone_config=beit, bottleneck_features=8, bin_embedding_dim=8, num_relative_features=8,
                num_attractors=[4, 4, 2, 1], **neck,
            )  # fmt: skip
            processor = t.ZoeDepthImageProcessor(size={"height": 64, "width": 96}, ensure_multiple_of=32)
            return t.ZoeDepthForDepthEstimation(config), processor


def put_into_hub(hub: Path, model: models.HubModel, folder: Path, commit: str) -> Path:
    place = hub / f"models--{model.hub_id.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    (place / "snapshots").mkdir()
    (place / "snapshots" / commit).symlink_to(folder)
    return place / "snapshots" / commit


def copy_of(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def drop_weights(folder: Path, part: str) -> list[str]:
    """Remove the weights from a folder whose names begin so."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / models.WEIGHTS)
    dropped = [name for name in weights if name.startswith(part)]
    save_file({k: v for k, v in weights.items() if k not in dropped}, folder / models.WEIGHTS, {"format": "pt"})
    return dropped


def ranks(values: np.ndarray) -> np.ndarray:
    return values.ravel().argsort().argsort().astype(float)
