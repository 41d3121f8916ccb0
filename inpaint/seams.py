"""Fills brought in line with what they border on: where a guess is off by a little, its outline shows.

After seamless cloning (Perez et al., "Poisson Image Editing", 2003): what a fill is off by at its seam is taken from
all of it, interpolated smoothly.
"""

from __future__ import annotations

import numpy as np

from inpaint.filters import Bool, Float, add_at, cell_means, dot, mean_near, over_cells, push_pull, widened

CELL_PX = 4  # offsets are worked out on a grid this coarse
SEAM_CELLS = 2  # the pixels next to a silhouette are no context: fills begin a little away from it
NEARBY_CELLS = 3  # detail that crosses the seam is averaged over so much to each side
CALM = 0.04  # deviation of colours at which a seam is half as easy to see as without any
GROSS = 0.32  # a step this large is as easy to see as not where colours deviate as much: texture hides smaller ones
LEAST = 0.2  # of the offset is taken even where detail hides the seam and the fill knows more than a smooth guess


def settle(painted: Float, unknown: Bool, context: Bool) -> Float:
    """`painted` (H, W, 3) with its holes `unknown` (H, W) shifted in colour: they go on from `context` (H, W)."""
    inner, hole = cell_means(painted, unknown, CELL_PX)
    outer, known = cell_means(painted, context, CELL_PX)
    squares, _ = cell_means(painted * painted, context, CELL_PX)
    seam = (hole > 0) & (widened((known > 0).astype(np.uint8), SEAM_CELLS) > 0)
    if not seam.any():
        return painted

    off = mean_near(inner - push_pull(outer, known > 0), hole * seam, NEARBY_CELLS)
    mean, square = (mean_near(values, known, 2 * NEARBY_CELLS) for values in (outer, squares))
    variance = np.maximum(square - mean * mean, 0).sum(-1, keepdims=True)
    seen = CALM**2 + (dot(off, off)[..., None] / GROSS) ** 2
    off = push_pull(off * np.maximum(seen / (seen + variance), LEAST), seam)
    return add_at(painted, over_cells(-off, CELL_PX, unknown.shape), unknown)
