"""Adaptive triangle meshes of disparity maps: fine along tears and bends, coarse elsewhere, without cracks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from render.boxes import count_from_corner, hold_any
from render.folds import fold_sheets
from render.quadtree import Leaves, find_leaves, triangulate
from render.sheets import torn_sheets

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

MAX_ERROR_PX = 2.0  # at the far end of the budget, twice that beside finer leaves: less than depth is ever known to
OVERLAP_PX = 2  # a layer reaches this far under the one in front where both show one surface
CELL_PX = 24  # neighbours follow each other: drivers keep vertices for a while, and draw the frame in small squares
MAX_STEP_PX = 0.5  # where one layer takes over from another, at the far end of the budget


@dataclass(frozen=True)
class Mesh:
    """A sheet of triangles over the canvas of a layer."""

    xy: Float  # (V, 2) canvas position, px; the centre of the top left pixel is (0.5, 0.5)
    uv: Float  # (V, 2) where its colour is, px of the canvas: the last sheet of a tear goes on with its rim's colour
    disparity: Float  # (V,)
    fade: Float  # (V,) factor on alpha: 0 where a torn sheet runs out, OPAQUE where the texture's alpha must not count
    triangles: npt.NDArray[np.int32]  # (T, 3)
    soft: Bool  # (T,) triangles that are partly transparent


@dataclass(frozen=True)
class Surface:
    """The depth of a layer and where it is drawn."""

    disparity: Float  # (H, W)
    right: Bool  # (H, W - 1) links with the pixel to the right
    down: Bool  # (H - 1, W) links with the pixel below
    drawn: Bool  # (H, W)

    def inner(self) -> Bool:
        """(H, W) pixels all around which it is drawn."""
        return np.asarray(cv2.erode(self.drawn.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)

    def quads(self) -> tuple[Bool, Bool]:
        """(H - 1, W - 1) quads between four drawn pixels: whole ones, and torn ones."""
        drawn = self.drawn[:-1, :-1] & self.drawn[:-1, 1:] & self.drawn[1:, :-1] & self.drawn[1:, 1:]
        right, down = self.right.astype(np.uint8), self.down.astype(np.uint8)
        # A single torn link is the open end of a tear: the surface stretches there.
        torn = right[:-1] + right[1:] + down[:, :-1] + down[:, 1:] < 3
        return drawn & ~torn, drawn & torn


def build_mesh(
    surface: Surface,
    alpha: Float,
    budget_px: float,
    before: Surface | None = None,
    behind: Surface | None = None,
    rgb: Float | None = None,
) -> Mesh:
    """Mesh of what is drawn of a surface.

    Vertices lie on pixel centres. `budget_px` turns disparity errors into pixels on screen. `alpha` (H, W) only tells
    which triangles are soft; the texture carries it. `before` is the layer in front: where both are one surface, more
    may be drawn, for larger leaves. `behind` is the next layer, which goes on where this one is torn. `rgb` (H, W, 3)
    in 0..1: its colours, if what moves fold is to be covered.
    """
    whole, torn = surface.quads()
    soft = alpha < 1 if behind is None else (alpha < 1) & behind.inner()
    max_error = MAX_ERROR_PX / budget_px if budget_px else np.inf
    spare = _shared(surface, before)
    around = cv2.dilate((~spare).astype(np.uint8), np.ones((2 * OVERLAP_PX + 1,) * 2, np.uint8)) > 0
    leaves = find_leaves(surface.disparity, whole & around, spare, soft, max_error)
    continued = _continued(surface, behind, budget_px)
    sheets = torn_sheets(surface.disparity, surface.right, surface.down, torn, continued, soft)
    folds = None if rgb is None else fold_sheets(surface.disparity, surface.right, surface.down, whole, rgb, budget_px)
    if folds is not None:
        sheets = sheets.joined(folds, soft.size)
    rim = np.zeros(soft.shape, bool)
    rim.ravel()[sheets.rim] = True
    triangles, leaf = triangulate(leaves, rim)
    soft_count = count_from_corner(soft)
    softness = np.concatenate([_touched(soft_count, some) for some in leaves])[leaf]

    n_pixels, width = soft.size, soft.shape[1]
    first = triangles.min(1)
    row, column = np.divmod(first, width)
    order = np.lexsort((first, column // CELL_PX, row // CELL_PX))
    triangles = np.concatenate([triangles[order], sheets.triangles])
    used = np.zeros(n_pixels + len(sheets.xy), bool)
    used[triangles] = True
    y, x = np.divmod(np.flatnonzero(used[:n_pixels]), width)
    xy = np.stack([x + 0.5, y + 0.5], 1).astype(np.float32)
    own = used[n_pixels:]
    return Mesh(
        np.concatenate([xy, sheets.xy[own]]),
        np.concatenate([xy, sheets.uv[own]]),
        np.concatenate([surface.disparity[y, x], sheets.disparity[own]]),
        np.concatenate([np.ones(len(xy), np.float32), sheets.fade[own]]),
        (np.cumsum(used, dtype=np.int32) - 1)[triangles],
        np.concatenate([softness[order], sheets.soft]),
    )


def _shared(surface: Surface, before: Surface | None) -> Bool:
    """(H - 1, W - 1) whole quads that the layer in front has, too: nobody sees whether this one draws them."""
    if before is None:
        return np.zeros((surface.disparity.shape[0] - 1, surface.disparity.shape[1] - 1), bool)
    same = replace(surface, drawn=surface.disparity == before.disparity)
    return same.quads()[0] & before.quads()[0]


def _touched(count: npt.NDArray[np.int32], leaves: Leaves) -> Bool:
    """(N,) whether a leaf, its border included, holds some of the pixels that `count_from_corner` counted."""
    height, width = (side - 1 for side in count.shape)
    bottom, right = np.minimum(leaves.y + leaves.height + 1, height), np.minimum(leaves.x + leaves.width + 1, width)
    return hold_any(count, leaves.y, leaves.x, bottom, right)


def _continued(surface: Surface, behind: Surface | None, budget_px: float) -> Bool:
    """(H - 1, W - 1, 4) corners of quads at which the layer behind, whole there, goes on at the surface's depth."""
    height, width = surface.disparity.shape
    out = np.zeros((height - 1, width - 1, 4), bool)
    if behind is not None:
        whole, _ = behind.quads()
        same = np.abs(behind.disparity - surface.disparity) * budget_px < MAX_STEP_PX
        for corner, (dy, dx) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            out[..., corner] = whole & same[dy : height - 1 + dy, dx : width - 1 + dx]
    return out
