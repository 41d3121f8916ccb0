"""Quadtrees over a disparity map: leaves as coarse as a plane patch holds, and triangles that leave no crack.

Leaves of any two sizes may meet: the coarse one takes all of the fine one's vertices in. A tree that lets only like
sizes meet would have three times as many leaves along tears.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

LEVELS = 6  # coarsest leaf: 2 ** LEVELS pixels
PURE_LEVEL = 3  # from this one on a leaf is soft all over or not at all: soft triangles cost more


@dataclass(frozen=True)
class Leaves:
    """The leaves of one size."""

    y: Index  # (N,) row of the top left pixel
    x: Index  # (N,) its column
    size: int  # px, from the first to the last row of pixel centres; less where the map ends


def find_leaves(disparity: Float, quads: Bool, spare: Bool, soft: Bool, max_error: float) -> list[Leaves]:
    """Leaves of each size, finest first, that hold the `quads` (H - 1, W - 1) between pixel centres.

    They hold no others but such of `spare` (H - 1, W - 1) as fill up a leaf. None of them is off the plane patch
    through its corners by more than `max_error` in `disparity` (H, W). `soft` (H, W) are pixels that shall not share a
    large leaf with others.
    """
    top_size = 1 << LEVELS
    qh, qw = quads.shape
    beyond = ((0, -qh % top_size), (0, -qw % top_size))
    q = np.pad(disparity, beyond, mode="edge")
    solid, empty = np.pad(quads | spare, beyond, constant_values=True), np.pad(~quads, beyond, constant_values=True)
    touches = soft[:-1, :-1] | soft[:-1, 1:] | soft[1:, :-1] | soft[1:, 1:]
    all_soft, none_soft = (np.pad(x, beyond, constant_values=True) for x in (touches, ~touches))
    split, drawn = [np.zeros_like(solid)], [~empty]
    for level in range(1, LEVELS + 1):
        solid, empty, all_soft, none_soft = (_all_of_four(x) for x in (solid, empty, all_soft, none_soft))
        good = solid & _all_of_four(~split[-1]) & (_patch_error(q, 1 << level, disparity.shape) <= max_error)
        if level >= PURE_LEVEL:
            good &= all_soft | none_soft
        split.append(~empty & ~good)
        drawn.append(~empty & good)
    leaves = []
    for level in range(LEVELS + 1):
        size = 1 << level
        exists = np.ones_like(split[level]) if level == LEVELS else _to_children(split[level + 1])
        i, j = np.nonzero(exists & drawn[level])
        leaves.append(Leaves(i * size, j * size, size))
    return leaves


def _all_of_four(x: Bool) -> Bool:
    return x[::2, ::2] & x[1::2, ::2] & x[::2, 1::2] & x[1::2, 1::2]


def _to_children(x: Bool) -> Bool:
    return np.repeat(np.repeat(x, 2, 0), 2, 1)


def _patch_error(q: Float, size: int, shape: tuple[int, int]) -> Float:
    """Largest distance of q from the bilinear patch through each block's corners, per block of `size` pixels.

    Blocks are cut off at the last row and column of `shape`, whose values q repeats beyond them.
    """
    corners = q[::size, ::size]
    a, b, c, d = corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]
    heights, widths = (
        np.clip(side - 1 - np.arange(n) * size, 1, size).astype(np.float32)
        for side, n in zip(shape, a.shape, strict=True)
    )
    worst = np.zeros_like(a)
    step = max(1, size // 8)
    for dy in range(0, size + 1, step):
        down = np.minimum(dy / heights, 1)[:, None]
        left, right = a + (c - a) * down, b + (d - b) * down
        rows = q[dy : dy + (len(a) - 1) * size + 1 : size]
        for dx in range(0, size + 1, step):
            value = rows[:, dx : dx + (a.shape[1] - 1) * size + 1 : size]
            across = np.minimum(dx / widths, 1)
            np.maximum(worst, np.abs(left + (right - left) * across - value), out=worst)
    return worst + np.abs(a - b - c + d) / 4  # two triangles are off a twisted patch by up to this


def triangulate(leaves: list[Leaves], vertices: Bool) -> tuple[Index, Index]:
    """(T, 3) triangles of all leaves, as flat indices of pixels, and (T,) which leaf each is of, counted through.

    `vertices` (H, W): pixels that triangles beside them must take in, if they come by.
    """
    vertices = vertices.copy()
    for some in leaves:
        for y, x in _corners(some, vertices.shape):
            vertices[y, x] = True
    parts, owners, first = [], [], 0
    for some in leaves:
        triangles, owner = _fans(some, vertices)
        parts.append(triangles)
        owners.append(owner + first)
        first += len(some.y)
    return np.concatenate(parts), np.concatenate(owners)


def _corners(leaves: Leaves, shape: tuple[int, int]) -> list[tuple[Index, Index]]:
    y, x = leaves.y, leaves.x
    bottom, right = np.minimum(y + leaves.size, shape[0] - 1), np.minimum(x + leaves.size, shape[1] - 1)
    return [(y, x), (y, right), (bottom, x), (bottom, right)]


def _fans(leaves: Leaves, vertices: Bool) -> tuple[Index, Index]:
    """Triangles of leaves of one size, and the leaf of each.

    Each is a fan over the vertices on the leaf's border, from a corner on whose two sides nothing lies between the
    corners, or else from the leaf's middle.
    """
    height, width = vertices.shape
    n, size = len(leaves.y), leaves.size
    y, x = leaves.y[:, None], leaves.x[:, None]
    h, w = np.minimum(size, height - 1 - y), np.minimum(size, width - 1 - x)
    k = np.arange(size)
    down, across = np.minimum(k, h), np.minimum(k, w)
    none = np.zeros_like(down)
    # Round the border: along the top, down the right side, back along the bottom, up the left side.
    rows = np.concatenate([none, down, none + h, h - down], axis=1) + y
    columns = np.concatenate([across, none + w, w - across, none], axis=1) + x
    taken = vertices[rows, columns]
    between = taken.reshape(n, 4, size)[:, :, 1:] & (k[1:] < np.stack([w, h, w, h], axis=1))
    crowded = between.any(2)
    free = ~(crowded | np.roll(crowded, 1, axis=1))  # the corner where a side starts, the last one ends
    corner = free.argmax(1)
    hub_y, hub_x = (
        np.where(free.any(1), at[np.arange(n), corner * size], middle[:, 0])
        for at, middle in ((rows, y + h // 2), (columns, x + w // 2))
    )
    leaf, place = np.nonzero(taken)
    py, px = rows[leaf, place], columns[leaf, place]
    last = np.r_[leaf[1:] != leaf[:-1], np.ones(min(n, 1), bool)]
    following = np.arange(1, len(leaf) + 1)
    following[last] = np.flatnonzero(np.r_[np.ones(min(n, 1), bool), leaf[1:] != leaf[:-1]])
    ny, nx = py[following], px[following]
    oy, ox = hub_y[leaf], hub_x[leaf]
    some = (py - oy) * (nx - ox) != (px - ox) * (ny - oy)  # nothing is left of those along the hub's own sides
    triangles = np.stack([at[some] for at in (oy * width + ox, py * width + px, ny * width + nx)], axis=1)
    return triangles, leaf[some]
