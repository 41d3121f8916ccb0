"""Fill by the network that ships with the package: colour and disparity of what is hidden, from its context alone."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inpaint.detail import add_detail
from inpaint.filters import Bool, Float, push_pull, put_over
from inpaint.loading import ASKED, load_weights
from inpaint.seams import settle
from inpaint.structures import continue_structures
from inpaint.tiles import box_around, choose_tile, fill_smaller, run_tiles, scale_for

if TYPE_CHECKING:
    from inpaint.network import InpaintingNetwork

WEIGHTS = Path(__file__).with_name("inpainting.safetensors")
REACH_PX = 48.0  # holes deeper than this are filled on a smaller canvas: training saw bands up to about this deep
MAX_PIXELS = 1_500_000  # the network's canvas is no larger than this
SPECKS = 5e-4  # of the picture: holes that are no more in all are continued smoothly, which takes a tenth of the time
SIGHT_PX = 96  # what lies farther from all holes has no say
LEAST_TILE_PX, MOST_TILE_PX, OVERLAP_PX = 320, 704, 64  # of the network's tiles: training saw 256 px


def network_fill(
    rgb: Float, disparity: Float, unknown: Bool, context: Bool, weights: Path = WEIGHTS
) -> tuple[Float, Float]:
    """`rgb` (H, W, 3) and `disparity` (H, W), float32 in 0..1, with the pixels of `unknown` (H, W) painted in.

    The network sees the pixels of `context` (H, W) and nothing else; only `unknown` pixels change. The fill is made at
    the scale at which the deepest hole is as deep as in training, so wide holes come out smooth but for what
    `continue_structures` carries on and `add_detail` lends them. Where they are but specks in all, the network is not
    asked, and `disparity`, which goes on smoothly from the context as it comes in, stays. Deterministic.
    `weights`: those of the network, as `load_network` takes them.
    """
    if not unknown.any() or not context.any():
        return rgb, disparity
    scale = min(scale_for(unknown, context, REACH_PX), float((MAX_PIXELS / unknown.size) ** 0.5))
    box = box_around(unknown, SIGHT_PX / scale)
    if not context[box].any():
        box = np.s_[:, :]
    hole, known = unknown[box], context[box] & ~unknown[box]
    if np.count_nonzero(hole) < SPECKS * unknown.size:
        rgb = rgb.copy()
        put_over(rgb[box], push_pull(rgb[box], known), hole)
        return rgb, disparity
    values = np.dstack([rgb[box], disparity[box]])
    run = functools.partial(_run, weights)
    painted = run(values, known, hole) if scale == 1 else fill_smaller(values, known, hole, scale, run)
    painted = put_over(np.clip(painted, 0, 1), values, ~hole)
    colour = continue_structures(np.ascontiguousarray(painted[..., :3]), hole, known, scale)
    colour = settle(colour, hole, known)
    colour = add_detail(colour, hole, known)
    rgb, disparity = rgb.copy(), disparity.copy()
    put_over(rgb[box], colour, hole)
    put_over(disparity[box], painted[..., 3], hole)
    return rgb, disparity


def _run(weights: Path, values: Float, known: Bool, unknown: Bool) -> Float:
    """The network's answer (H, W, 4) where it matters, zeros elsewhere."""
    import torch

    from inpaint.encoder_decoder import STRIDE

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_network(weights).to(device)

    def ask(tile: Float) -> Float:
        with ASKED, torch.inference_mode():
            answer = network(torch.from_numpy(tile)[None].to(device).permute(0, 3, 1, 2))
        return np.asarray(answer[0].permute(1, 2, 0).cpu().numpy())

    seen = np.dstack([push_pull(values, known), known.astype(np.float32), unknown.astype(np.float32)])
    tile = choose_tile(unknown, OVERLAP_PX, STRIDE, LEAST_TILE_PX, MOST_TILE_PX)
    return run_tiles(seen, unknown, tile, OVERLAP_PX, ask)


@functools.cache
def load_network(weights: Path) -> InpaintingNetwork:
    """The network with weights from a safetensors file, ready to infer."""
    from inpaint.network import INPUTS, InpaintingNetwork

    return load_weights(InpaintingNetwork(), weights, INPUTS)
