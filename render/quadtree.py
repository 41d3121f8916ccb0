"""Quadtrees over a disparity map: leaves as coarse as a plane patch holds, and triangles that leave no crack.

Leaves of any two sizes may meet: the coarse one takes all of the fine one's vertices in. A tree that lets only like
sizes meet would have three times as many leaves along tears. Two squares that lie beside each other become one leaf
where that will do, too: drivers take as long over the rims of triangles as over what is inside.
"""

from __future__ import annotations

from collections.abc import Callable
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
    """The leaves of one shape."""

    y: Index  # (N,) row of the top left pixel
    x: Index  # (N,) its column
    height: int  # px, from the first to the last row of pixel centres; less where the map ends
    width: int


def find_leaves(disparity: Float, quads: Bool, spare: Bool, soft: Bool, max_error: float) -> list[Leaves]:
    """Leaves of each shape, finest first, that hold the `quads` (H - 1, W - 1) between pixel centres.

    They hold no others but such of `spare` (H - 1, W - 1) as fill up a leaf. None of them, cut in two
    triangles, is off by more than `max_error` in `disparity` (H, W). `soft` (H, W) are pixels that shall not share a
    large leaf with others.
    """
    top_size = 1 << LEVELS
    qh, qw = quads.shape
    beyond = ((0, -qh % top_size), (0, -qw % top_size))
    q = np.pad(disparity, beyond, mode="edge")
    solid, empty = np.pad(quads | spare, beyond, constant_values=True), np.pad(~quads, beyond, constant_values=True)
    touches = soft[:-1, :-1] | soft[:-1, 1:] | soft[1:, :-1] | soft[1:, 1:]
    all_soft, none_soft = (np.pad(x, beyond, constant_values=True) for x in (touches, ~touches))
    split, drawn, kind = [np.zeros_like(solid)], [~empty], [all_soft + np.uint8(2) * none_soft]
    for level in range(1, LEVELS + 1):
        solid, empty, all_soft, none_soft = (_all_of_four(x) for x in (solid, empty, all_soft, none_soft))
        good = solid & _all_of_four(~split[-1]) & (_patch_error(q, 1 << level, disparity.shape) <= max_error)
        if level >= PURE_LEVEL:
            good &= all_soft | none_soft
        split.append(~empty & ~good)
        drawn.append(~empty & good)
        kind.append(all_soft + np.uint8(2) * none_soft)
    leaves = []
    for level in range(LEVELS + 1):
        single = drawn[level]
        if level < LEVELS:
            single &= _to_children(split[level + 1])
            pure = kind[level] if level + 1 >= PURE_LEVEL else np.ones_like(kind[level])
            leaves += _pairs(q, single, pure, 1 << level, disparity.shape, max_error)
        y, x = np.nonzero(single)
        leaves.append(Leaves(y << level, x << level, 1 << level, 1 << level))
    return leaves


def _pairs(
    q: Float, single: Bool, kind: npt.NDArray[np.uint8], size: int, shape: tuple[int, int], max_error: float
) -> list[Leaves]:
    """Leaves of two squares of `size` px each, which are taken out of `single` (h, w).

    Both are of the same `kind` (h, w), which must not be 0.
    """
    leaves = []
    all_y, all_x = np.nonzero(single)
    for start, axis in ((0, 1), (0, 0), (1, 1), (1, 0)):  # those that share a parent first, lying ones before standing
        down, right = 1 - axis, axis
        at = all_x if axis else all_y
        first = single[all_y, all_x] & (at % 2 == start) & (at + 1 < single.shape[axis])
        y, x = all_y[first], all_x[first]
        alike = single[y + down, x + right] & (kind[y, x] > 0) & (kind[y, x] == kind[y + down, x + right])
        y, x = y[alike], x[alike]
        height, width = size << down, size << right
        fits = _patch_error_at(q, y * size, x * size, height, width, shape) <= max_error
        y, x = y[fits], x[fits]
        single[y, x] = single[y + down, x + right] = False
        leaves.append(Leaves(y * size, x * size, height, width))
    return leaves


def _all_of_four(x: Bool) -> Bool:
    return x[::2, ::2] & x[1::2, ::2] & x[::2, 1::2] & x[1::2, 1::2]


def _to_children(x: Bool) -> Bool:
    return np.repeat(np.repeat(x, 2, 0), 2, 1)


def _patch_error(q: Float, size: int, shape: tuple[int, int]) -> Float:
    """What two triangles between the corners of each block of `size` px are off at most, whichever way it is cut.

    Blocks are cut off at the last row and column of `shape`, whose values q repeats beyond them.
    """
    corners = q[::size, ::size]
    rows, columns = (n - 1 for n in corners.shape)
    heights, widths = (
        np.clip(side - 1 - np.arange(n) * size, 1, size).astype(np.float32)
        for side, n in zip(shape, (rows, columns), strict=True)
    )
    return _largest_error(
        (corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]),
        lambda dy, dx: q[dy : dy + (rows - 1) * size + 1 : size, dx : dx + (columns - 1) * size + 1 : size],
        (heights[:, None], widths),
        (size, size),
    )


def _patch_error_at(q: Float, y: Index, x: Index, height: int, width: int, shape: tuple[int, int]) -> Float:
    """The same for single blocks of `height` x `width` px at y, x (N,)."""
    bottom, right = np.minimum(y + height, shape[0] - 1), np.minimum(x + width, shape[1] - 1)
    return _largest_error(
        (q[y, x], q[y, right], q[bottom, x], q[bottom, right]),
        lambda dy, dx: q[np.minimum(y + dy, bottom), np.minimum(x + dx, right)],
        (np.maximum(bottom - y, 1).astype(np.float32), np.maximum(right - x, 1).astype(np.float32)),
        (height, width),
    )


def _largest_error(
    corners: tuple[Float, Float, Float, Float],
    value: Callable[[int, int], Float],
    sides: tuple[Float, Float],
    size: tuple[int, int],
) -> Float:
    """`value` gives that of all blocks so far down and right; `sides` are what is left of `size` (height, width)."""
    a, b, c, d = corners
    twist = np.abs(a - b - c + d)
    worst = np.zeros_like(a)
    for dy in range(0, size[0] + 1, max(1, size[0] // 8)):
        down = np.minimum(dy / sides[0], 1)
        left, right = a + (c - a) * down, b + (d - b) * down
        for dx in range(0, size[1] + 1, max(1, size[1] // 8)):
            error = np.abs(left + (right - left) * np.minimum(dx / sides[1], 1) - value(dy, dx))
            np.maximum(worst, error + twist * _bend(dy / size[0], dx / size[1]), out=worst)
    return worst


def _bend(u: float, v: float) -> float:
    """How far triangles are off a bilinear patch of twist 1 at u, v (0..1 over its sides), for the worse diagonal."""
    return max(min(u, v) - u * v, u * v - max(0.0, u + v - 1))


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
    bottom, right = np.minimum(y + leaves.height, shape[0] - 1), np.minimum(x + leaves.width, shape[1] - 1)
    return [(y, x), (y, right), (bottom, x), (bottom, right)]


def _fans(leaves: Leaves, vertices: Bool) -> tuple[Index, Index]:
    """Triangles of leaves of one shape, and the leaf of each.

    Each is a fan over the vertices on the leaf's border, from a corner on whose two sides nothing lies between the
    corners, or else from the leaf's middle.
    """
    height, width = vertices.shape
    n = len(leaves.y)
    y, x = leaves.y[:, None], leaves.x[:, None]
    h, w = np.minimum(leaves.height, height - 1 - y), np.minimum(leaves.width, width - 1 - x)
    down, across = np.minimum(np.arange(leaves.height), h), np.minimum(np.arange(leaves.width), w)
    # Round the border: along the top, down the right side, back along the bottom, up the left side.
    rows = np.concatenate([0 * across, down, 0 * across + h, h - down], axis=1) + y
    columns = np.concatenate([across, 0 * down + w, w - across, 0 * down], axis=1) + x
    taken = vertices[rows, columns]
    start = np.cumsum([0, leaves.width, leaves.height, leaves.width])
    sides = zip(start, (leaves.width, leaves.height) * 2, (w, h) * 2, strict=True)
    crowded = np.stack([(taken[:, s + 1 : s + k] & (np.arange(1, k) < end)).any(1) for s, k, end in sides], axis=1)
    free = ~(crowded | np.roll(crowded, 1, axis=1))  # the corner where a side starts, the last one ends
    corner = free.argmax(1)
    hub_y, hub_x = (
        np.where(free.any(1), at[np.arange(n), start[corner]], middle[:, 0])
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
