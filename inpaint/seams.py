"""Fills brought in line with what they border on: where a guess is off by a little, its outline shows.

After seamless cloning (Perez et al., "Poisson Image Editing", 2003): what a fill is off by at its seam is taken from
all of it, interpolated smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import (
    Bool,
    Float,
    add_at,
    cell_means,
    closest_pixel,
    dot,
    mean_near,
    over_cells,
    push_pull,
    widened,
)

CELL_PX = 4  # offsets are worked out on a grid this coarse
CONTEXT_CELLS, RIM_CELLS = 2, 1  # how far from what it goes on from a fill is looked at: context is a little away
BESIDE_CELLS = 1  # what differs from the mean so far around is texture
NEARBY_CELLS = 3  # detail that crosses the seam is averaged over so much to each side
CALM = 0.04  # deviation of colours at which a seam is half as easy to see as without any
GROSS = 0.32  # a step this large is as easy to see as not where colours deviate as much: texture hides smaller ones
LEAST = 0.2  # of the offset is taken even where detail hides the seam and the fill knows more than a smooth guess
MIXED_PX = 1  # this close to what is hidden, rims hold its colours, too
PART_STEP, PART_PX = 0.06, 10.0  # parts of a fill meet over so far where disparity differs by no more
FADE_SHARE = 0.012  # of the long side: what a rim says fades over so much
BEGIN, BEGIN_PX = 0.7, 3.0  # share of the rim's own colour in what begins beside it, and over how much that fades


@dataclass(frozen=True)
class _Seam:
    """How a fill goes on from what is beside it, on a grid of cells."""

    off: Float  # (h, w, 3) what it is off by
    variance: Float  # (h, w, 1) of the colours beside it about what they are on the whole: a soft shade has none
    where: Bool  # (h, w) cells at which both are known


def settle(painted: Float, unknown: Bool, context: Bool) -> Float:
    """`painted` (H, W, 3) with its holes `unknown` (H, W) shifted in colour: they go on from `context` (H, W)."""
    seam = _seam(painted, unknown, context, CONTEXT_CELLS)
    if seam is None:
        return painted
    seen = CALM**2 + (dot(seam.off, seam.off)[..., None] / GROSS) ** 2
    off = push_pull(seam.off * np.maximum(seen / (seen + seam.variance), LEAST), seam.where)
    return add_at(painted, over_cells(-off, CELL_PX, unknown.shape), unknown)


def meet_rims(painted: Float, hidden: Bool, rims: Bool) -> Float:
    """`painted` (H, W, 3) whose `hidden` pixels (H, W) begin in the colours of the `rims` (H, W) beside them.

    Rims are no context, as they may hold colours of what is in front; but a fill that goes on from farther away begins
    with a step, which stays behind as a contour of what was in front. So where rims are calm, and thus hold no such
    colours, all that lies behind is shifted to meet them, and anywhere the first pixels begin in theirs.
    """
    clean = rims & (widened(hidden.astype(np.uint8), MIXED_PX) == 0)
    if not clean.any():
        return painted
    distance = cv2.distanceTransform((~clean).astype(np.uint8), cv2.DIST_L2, 3) - (MIXED_PX + 1)
    result = _shifted(painted, hidden, clean, distance)
    share = BEGIN * np.exp(-((distance / BEGIN_PX) ** 2)) * hidden
    begins = share > BEGIN * 0.01
    colour = result.reshape(-1, 3)
    rim = colour[closest_pixel(clean, np.flatnonzero(begins))]
    result[begins] += share[begins][:, None] * (rim - result[begins])
    return np.clip(result, 0, 1, out=result)


def _shifted(painted: Float, hidden: Bool, clean: Bool, distance: Float) -> Float:
    """`painted` (H, W, 3) with its `hidden` pixels (H, W) shifted in colour to meet what of the rims is `clean` (H, W)
    and calm; the less, the farther away they are.
    """
    seam = _seam(painted, hidden, clean, RIM_CELLS)
    if seam is None:
        return painted.copy()
    off = push_pull(seam.off * (CALM**2 / (CALM**2 + seam.variance)), seam.where)
    fade = np.exp(-np.maximum(distance, 0) / np.float32(FADE_SHARE * max(hidden.shape)))
    return add_at(painted, over_cells(-off, CELL_PX, hidden.shape) * fade[..., None], hidden)


def meet_parts(outer: tuple[Float, Float], inner: tuple[Float, Float], beside: Bool) -> tuple[Float, Float]:
    """Colour (H, W, 3) and disparity (H, W) of a fill's `inner` part, which next to the other part, the pixels `beside`
    (H, W), begins as `outer`, painted as if it were of that part, too.

    So there is no edge where the two are one surface. One that lies clearly before the other keeps its edge.
    """
    distance = cv2.distanceTransform((~beside).astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(distance / np.float32(PART_PX), 0, 1)
    share = np.where(np.abs(inner[1] - outer[1]) > PART_STEP, np.float32(1), share)
    return outer[0] + share[..., None] * (inner[0] - outer[0]), outer[1] + share * (inner[1] - outer[1])


def _seam(painted: Float, unknown: Bool, beside: Bool, reach: int) -> _Seam | None:
    """Where the holes `unknown` (H, W) have what is `beside` them (H, W) within `reach` cells, if they do anywhere."""
    if not beside.any():
        return None
    inner, hole = cell_means(painted, unknown, CELL_PX)
    outer, known = cell_means(painted, beside, CELL_PX)
    squares, _ = cell_means(painted * painted, beside, CELL_PX)
    where = (hole > 0) & (widened((known > 0).astype(np.uint8), reach) > 0)
    if not where.any():
        return None
    mean, square = (mean_near(values, known, BESIDE_CELLS) for values in (outer, squares))
    texture = mean_near(np.maximum(square - mean * mean, 0).sum(-1), known, 2 * NEARBY_CELLS)
    off = mean_near(inner - _continued(outer, known > 0, texture), hole * where, NEARBY_CELLS)
    return _Seam(off, texture[..., None], where)


def _continued(outer: Float, known: Bool, texture: Float) -> Float:
    """(h, w, 3) what cells would be if `outer` (h, w, 3), `known` in some cells (h, w), went on evenly: as the closest
    of these and, the less `texture` (h, w) there is, as much more as that differs from the one as far beyond it.
    """
    (h, w), cells = known.shape, np.arange(known.size)
    closest = closest_pixel(known, cells)
    y, x = (2 * a - b for a, b in zip(np.divmod(closest, w), np.divmod(cells, w), strict=True))
    beyond = np.where((y >= 0) & (x >= 0) & (y < h) & (x < w), y * w + x, closest)
    even = known.ravel()[beyond] * CALM**2 / (CALM**2 + texture.ravel()[closest])
    flat = outer.reshape(-1, 3)
    change = even[:, None] * (flat[closest] - flat[beyond])
    return np.asarray((flat[closest] + change).reshape(outer.shape), np.float32)
