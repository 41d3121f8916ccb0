"""Grain for painted surfaces: a network that has to guess paints smoothly, and beside textured ground that shows."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from inpaint.filters import Bool, Float, push_pull

SIGMAS_PX = (0.0, 1.0, 2.0, 4.0)  # octaves of detail lie between them
AMOUNT = 0.3  # of the detail that is missing: more looks like noise, for real detail has shapes
DEEP_PX = 24.0  # this far from its context a fill gets all of it; next to it the network knows the detail well
WINDOW_PX = 8.0
# The mean root of |x| in a normal distribution is .822 times the root of its deviation. Roots, because single edges
# of the surroundings must not count as texture.
ROOT_OF_DEVIATION = 0.822
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SEED = 0


def add_grain(painted: Float, unknown: Bool, context: Bool) -> Float:
    """`painted` (H, W, 3) in 0..1 with noise on its `unknown` pixels (H, W), as strong and as fine as detail near them
    in `context` (H, W), as far as they have none themselves. Deterministic.
    """
    known = context & ~unknown
    luma = painted @ LUMA
    bands = _bands(np.where(unknown, luma, push_pull(luma, known)))
    white = np.random.default_rng(SEED).standard_normal(luma.shape, dtype=np.float32)
    grain = np.zeros_like(luma)
    for band, noise in zip(bands, _bands(white), strict=True):
        missing = np.maximum(_deviation(band, known) ** 2 - _deviation(band, unknown) ** 2, 0)
        grain += np.sqrt(missing) * noise / float(noise.std())
    depth = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3)
    grain *= AMOUNT * np.minimum(depth / DEEP_PX, 1)
    return np.where(unknown[..., None], np.clip(painted + grain[..., None], 0, 1), painted)


def _bands(plane: Float) -> list[Float]:
    smooth = [plane, *(cv2.GaussianBlur(plane, (0, 0), sigma) for sigma in SIGMAS_PX[1:])]
    return [np.asarray(a - b) for a, b in pairwise(smooth)]


def _deviation(band: Float, where: Bool) -> Float:
    """The band's standard deviation (H, W) about each pixel, from pixels `where`; far from those, theirs continued."""
    h, w = band.shape
    small = (max(1, w // 4), max(1, h // 4))
    weight, roots = (
        cv2.GaussianBlur(cv2.resize(x, small, interpolation=cv2.INTER_AREA), (0, 0), WINDOW_PX / 4)
        for x in (where.astype(np.float32), np.where(where, np.sqrt(np.abs(band)), 0))
    )
    root = push_pull(roots / np.maximum(weight, 1e-4), weight > 0.05)
    return np.asarray(cv2.resize((root / ROOT_OF_DEVIATION) ** 2, (w, h), interpolation=cv2.INTER_LINEAR))
