"""Strays: hairs and the like that stand off from a silhouette, before a calm background, farther than its matte looks.

Left behind, they would stand there as a ghost of the silhouette.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Bool, Float, cell_means, mean_near, nearest, over_cells, widened

REACH_SHARE = 0.02  # how far strays reach from where they hang, at most: of the long side
FINE_SHARE, FINE_PX = 0.0025, 2  # they differ from the mean around them within so much of the long side: clouds do not
FOREIGN, DEVIATIONS = 0.016, 3.0  # by more than this, and by more deviations of the background
CALM = 0.01  # deviation of the background up to which it is calm: one sees a hair on it
ROUNDS = 2  # of looking at the background, the second one without what was foreign to it in the first
CELL_PX = 4  # in squares of so many pixels: many times as fast
GAP_PX = 2  # hairs are seen in pieces up to twice as far apart
OFF = 0.1  # what is off by more from all mixtures of the background with the foreground is something else
MIXED, BEYOND = 0.8, 0.1  # shares of a stray that are mixtures, at least, and farther than the reach, at most


def strays(rgb: Float, disparity: Float, near: Bool, held: Bool, least: float) -> tuple[Bool, Float]:
    """(H, W) pixels of `rgb` (H, W, 3) in 0..1 that hang on what is `near` or `held`; how much (H, W) of each, in 0..1,
    is the nearer surface's.

    `near`, `held` (H, W): the nearer side of edges, of which there must be some, and what is known already to move with
    it. The background is what lies farther away, in `disparity` (H, W), by more than `least`.
    """
    long = max(near.shape)
    reach = round(REACH_SHARE * long)
    around = (widened(near.view(np.uint8), 3 * reach) > 0) & ~near & ~held
    around &= disparity < nearest(disparity, near, around) - least
    foreign, calm = _standing_out(rgb, around, 2 * reach, max(FINE_PX, round(FINE_SHARE * long)))
    share, mixed = _mixtures(rgb, around, around & ~foreign, near, reach)
    joined = np.ones((2 * GAP_PX + 1,) * 2, np.uint8)
    hairs = cv2.morphologyEx((foreign | held).view(np.uint8), cv2.MORPH_CLOSE, joined)
    n, label = cv2.connectedComponents(hairs & around, connectivity=8)
    hangs = (label > 0) & (widened((near | held).view(np.uint8), 1) > 0)
    # What passes from one tower to the next is far from where it hangs as well.
    too_far = widened(hangs.view(np.uint8), reach) == 0
    count, alike, beyond, root = (
        np.bincount(label[x], minlength=n) for x in (foreign, foreign & calm & mixed, foreign & too_far, hangs)
    )
    stray = (root > 0) & (alike > MIXED * count) & (beyond < BEYOND * count)
    return (widened(stray[label].view(np.uint8), 1) > 0) & around & ~too_far, share


def _standing_out(rgb: Float, where: Bool, reach: int, fine: int) -> tuple[Bool, Bool]:
    """(H, W) which of the pixels `where` stand out from what is around them within `fine`; which of them have a calm
    background, apart from such pixels, within `reach`.
    """
    grey, known = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32), where
    for _ in range(ROUNDS):
        height = np.abs(grey - mean_near(grey, known.astype(np.float32), fine))
        variance = _mean_around(height * height, known, reach)
        deviation = over_cells(np.sqrt(np.maximum(variance, 0)), CELL_PX, where.shape)
        foreign = where & (height > np.maximum(FOREIGN, DEVIATIONS * np.minimum(deviation, CALM)))
        known = where & ~foreign
    return foreign, where & (deviation < CALM)


def _mixtures(rgb: Float, where: Bool, background: Bool, foreground: Bool, reach: int) -> tuple[Float, Bool]:
    """(H, W) how much of the pixels `where` is the foreground's; which of them mix it with the background."""
    behind, before = (
        over_cells(_mean_around(rgb, of, so_far), CELL_PX, where.shape)[where]
        for of, so_far in ((background, reach), (foreground, 2 * reach))
    )
    across, apart = before - behind, rgb[where] - behind
    part = np.clip(_dot(apart, across) / np.maximum(_dot(across, across), 1e-4), 0, 1)
    off = apart - part[:, None] * across
    fits = _dot(off, off) < OFF**2
    share, mixed = np.ones(where.shape, np.float32), np.zeros(where.shape, bool)
    share[where], mixed[where] = np.where(fits, part, 1), fits
    return share, mixed


def _dot(a: Float, b: Float) -> Float:
    """(N,) products of vectors (N, C)."""
    return np.asarray(np.einsum("nc,nc->n", a, b), np.float32)


def _mean_around(planes: Float, where: Bool, reach: int) -> Float:
    """(h, w, C) means of `planes` (H, W[, C]) over the pixels `where` (H, W) around each square of CELL_PX pixels."""
    return mean_near(*cell_means(planes, where, CELL_PX), round(reach / CELL_PX))
