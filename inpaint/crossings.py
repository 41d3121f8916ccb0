"""Crossings: where something in the photo goes on across a tear, which would cut it in two."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.chains import shortest_edge_px
from inpaint.colours import gradient, hued
from inpaint.filters import Bool, Float, box_mean, closest_pixel, dot, widened
from inpaint.tears import Index, Links, TornPairs, torn_pairs, were_blurred

# Edges of the photo, at least so strong, cross a tear if their slopes, squared, are so many times those along it.
TIMES, SLOPE, WINDOW_PX = 5.0, 0.02, 3.0
BEYOND_PX, BOTH = 5.0, 0.4  # and are there so far to both sides, the weaker ones by this share of the stronger
ALIKE = 0.25  # tears run alike, or against each other, if their normals have a larger product, squared, in the mean
NORMAL_PX = 2.5  # tears have directions over so much: over more, the two outlines of a stalk are against each other


def structure_tensor(rgb: Float) -> Float:
    """(H, W, 3: xx, yy, xy) the structure tensor of a photo (H, W, 3) in 0..1 (Bigun and Granlund, 1987)."""
    across, down = gradient(hued(rgb))
    products = ((across, across), (down, down), (across, down))
    return np.dstack([cv2.GaussianBlur(dot(a, b), (0, 0), WINDOW_PX) for a, b in products])


def crossings(disparity: Float, links: Links, tensor: Float, before: Float | None, thin: Bool | None = None) -> Bool:
    """(H, W) what is close to where something in the photo with the structure `tensor` (H, W, 3) goes on across a tear
    of `disparity` (H, W): its edges do not run along the tear, and are there on both sides. A spire ends at its tear.

    `before` (H, W): the `steepest_steps` of the disparity before it was made sharp, if it was. What was sharp
    already is torn whatever crosses it. `thin` (H, W): what surely is thin, if known; in that, tears that run
    another way count as well.
    """
    pairs = torn_pairs(links, disparity)
    if before is None or not len(pairs.near):
        return np.zeros(disparity.shape, bool)
    normals = _normals(pairs, disparity.shape)
    along, across = _strengths(tensor, pairs.first, normals)
    crossed = (across > TIMES * along) & (across > SLOPE**2)
    sides = [_strengths(tensor, pairs.first, normals, away)[1] for away in (-BEYOND_PX, BEYOND_PX)]
    crossed &= np.minimum(*sides) > BOTH * np.maximum(*sides)
    crossed &= were_blurred(pairs, disparity, before)
    if not crossed.any():
        return np.zeros(disparity.shape, bool)
    return _close_to(crossed, pairs, normals, np.zeros(disparity.shape, bool) if thin is None else thin)


def _close_to(crossed: Bool, pairs: TornPairs, normals: Float, thin: Bool) -> Bool:
    """(H, W) what is close to those of the torn `pairs` that are `crossed` (N,), and `thin` (H, W) or closest to a tear
    that runs like them. Where two meet, as in the corner between two curls, the other one may be real.

    `normals` (N, 2): of the pairs.
    """
    shape = thin.shape
    reach = int(shortest_edge_px(shape)) // 2 + 1
    seeds, far, theirs = np.zeros((3, *shape), bool)
    seeds.ravel()[pairs.far[crossed]] = True
    within = widened(seeds.view(np.uint8), reach) > 0
    u, v = normals.T
    around = []
    for product in (u * u, v * v, u * v):
        plane = np.zeros(shape, np.float32)
        plane.ravel()[pairs.far[crossed]] = product[crossed]
        around.append(box_mean(plane, reach).ravel()[pairs.far])
    uu, vv, uv = around
    alike = u * u * uu + v * v * vv + 2 * u * v * uv > ALIKE * (uu + vv)
    far.ravel()[pairs.far] = True
    theirs.ravel()[pairs.far[alike]] = True
    close, at = within & thin, np.flatnonzero(within)
    close.ravel()[at] |= theirs.ravel()[closest_pixel(far, at)]
    return close


def _normals(pairs: TornPairs, shape: tuple[int, ...]) -> Float:
    """(N, 2) x and y of unit vectors from the nearer to the farther side of the tears `pairs` around each of them."""
    step = pairs.far - pairs.near
    upright = np.abs(step) == 1
    normals = []
    for part in (np.where(upright, step, 0), np.where(upright, 0, np.sign(step))):
        # On the farther side: there the two outlines of a thin thing are not on the same pixels.
        plane = np.bincount(pairs.far, part, int(np.prod(shape))).reshape(shape).astype(np.float32)
        normals.append(cv2.GaussianBlur(plane, (0, 0), NORMAL_PX).ravel()[pairs.far])
    normal = np.stack(normals, 1)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6), np.float32)


def _strengths(tensor: Float, at: Index, normals: Float, away: float = 0.0) -> tuple[Float, Float]:
    """(N,) how strong the edges are that run along tears, and those that run across, so far from the pixels `at` (N,),
    flat indices, along their `normals` (N, 2).
    """
    h, w = tensor.shape[:2]
    y, x = np.divmod(at, w)
    u, v = normals.T
    row, column = (
        np.clip(np.round(place + away * part).astype(np.int64), 0, size - 1)
        for place, part, size in ((y, v, h), (x, u, w))
    )
    xx, yy, xy = tensor[row, column].T
    return u * u * xx + 2 * u * v * xy + v * v * yy, v * v * xx - 2 * u * v * xy + u * u * yy
