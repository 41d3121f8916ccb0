"""Fill by the network that ships with the package: colour and disparity of what is hidden, from its context alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inpaint.filters import Bool, Float, push_pull

if TYPE_CHECKING:
    from inpaint.network import InpaintingNetwork

WEIGHTS = Path(__file__).with_name("inpainting.safetensors")
REACH_PX = 48.0  # holes deeper than this are filled on a smaller canvas: training saw bands up to about this deep
MAX_PIXELS = 1_500_000  # the network's canvas is no larger than this
TILE_PX, OVERLAP_PX = 384, 64  # multiples of the network's stride
BATCH = 4


class MissingWeightsError(RuntimeError):
    """The network's weights are missing or unusable. The message says what to do."""


def network_fill(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    """`rgb` (H, W, 3) and `disparity` (H, W), float32 in 0..1, with the pixels of `unknown` (H, W) painted in.

    The network sees the pixels of `context` (H, W) and nothing else; only `unknown` pixels change. The fill is made at
    the scale at which the deepest hole is as deep as in training, so wide holes come out smooth. Deterministic.
    """
    if not unknown.any() or not context.any():
        return rgb, disparity
    scale = working_scale(unknown, context)
    values: Float = np.dstack([rgb, disparity]).astype(np.float32)
    known = context & ~unknown
    if scale == 1:
        painted = _run(values, known, unknown)
    else:
        painted = _fill_smaller(values, known, unknown, scale)
    painted = np.where(unknown[..., None], np.clip(painted, 0, 1), values)
    return np.ascontiguousarray(painted[..., :3]), np.ascontiguousarray(painted[..., 3])


def working_scale(unknown: Bool, context: Bool) -> float:
    """The canvas' scale, at most 1, at which holes are as deep as the network knows them."""
    depth = cv2.distanceTransform((~context).astype(np.uint8), cv2.DIST_L2, 3)[unknown]
    deepest = float(np.percentile(depth, 98))
    return min(1.0, REACH_PX / max(deepest, 1.0), float((MAX_PIXELS / unknown.size) ** 0.5))


def _fill_smaller(values: Float, known: Bool, unknown: Bool, scale: float) -> Float:
    """Fill on a smaller canvas, then add what the enlarged canvas lacks next to the seam."""
    h, w = known.shape
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    weight = known.astype(np.float32)
    small_weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    # Averages over known pixels only: nothing hidden may leak in.
    total = cv2.resize(values * weight[..., None], size, interpolation=cv2.INTER_AREA)
    small: Float = np.asarray(total / np.maximum(small_weight, 1e-6)[..., None], np.float32)
    small_known = small_weight > 0.5
    small_unknown = (cv2.resize(unknown.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0) & ~small_known
    painted = np.where(small_known[..., None], small, _run(small, small_known, small_unknown))
    large = np.asarray(cv2.resize(painted, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
    near = known & (cv2.dilate(unknown.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    return large + push_pull(values - large, near) if near.any() else large


def _run(values: Float, known: Bool, unknown: Bool) -> Float:
    """The network's answer (H, W, 4) where it matters, zeros elsewhere; tiles overlap and are blended."""
    import torch

    network = load_network()
    h, w = known.shape
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    tiles = [(y, x) for y in _starts(h) for x in _starts(w) if unknown[y : y + TILE_PX, x : x + TILE_PX].any()]
    seen = np.dstack([push_pull(values, known), known, unknown]).astype(np.float32)
    total, share = np.zeros((h, w, 4), np.float32), np.zeros((h, w, 1), np.float32)
    ramp = np.minimum(np.arange(TILE_PX) + 1, np.arange(TILE_PX)[::-1] + 1).clip(max=OVERLAP_PX).astype(np.float32)
    blend = np.outer(ramp, ramp)[..., None]
    for first in range(0, len(tiles), BATCH):
        chosen = tiles[first : first + BATCH]
        inputs = np.zeros((len(chosen), TILE_PX, TILE_PX, 6), np.float32)
        for picture, (y, x) in zip(inputs, chosen, strict=True):
            window = np.s_[y : min(y + TILE_PX, h), x : min(x + TILE_PX, w)]
            part = seen[window]
            edges = [(0, TILE_PX - n) for n in part.shape[:2]]
            picture[:] = np.pad(part, [*edges, (0, 0)], mode="edge")
        with torch.inference_mode():
            batch = torch.from_numpy(inputs).to(device).permute(0, 3, 1, 2)
            outputs = network(batch).permute(0, 2, 3, 1).cpu().numpy()
        for picture, (y, x) in zip(outputs, chosen, strict=True):
            rows, columns = min(TILE_PX, h - y), min(TILE_PX, w - x)
            total[y : y + rows, x : x + columns] += blend[:rows, :columns] * picture[:rows, :columns]
            share[y : y + rows, x : x + columns] += blend[:rows, :columns]
    return np.asarray(total / np.maximum(share, 1e-6))


def _starts(length: int) -> list[int]:
    """Where tiles start along one side: they overlap by at least OVERLAP_PX and the last one ends at the border."""
    if length <= TILE_PX:
        return [0]
    count = -(-(length - OVERLAP_PX) // (TILE_PX - OVERLAP_PX))
    return [round(k * (length - TILE_PX) / (count - 1)) for k in range(count)]


@functools.cache
def load_network(weights: Path = WEIGHTS) -> InpaintingNetwork:
    """The network with weights from a safetensors file, ready to infer."""
    import torch
    from safetensors.torch import load_file

    from inpaint.network import InpaintingNetwork

    if not weights.is_file():
        raise MissingWeightsError(f"{weights} is missing: reinstall photo3d-video, or use the fill 'fast'")
    network = InpaintingNetwork()
    try:
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load_file(weights).items()})
    except Exception as error:
        raise MissingWeightsError(f"{weights} does not hold the inpainting network: reinstall photo3d-video") from error
    return network.eval().to(memory_format=torch.channels_last)
