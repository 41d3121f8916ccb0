"""Adaptive triangle meshes of disparity maps: fine along tears and bends, coarse elsewhere, without cracks.

A balanced quadtree over the pixel grid. A block is one leaf if all of it is drawn, nothing in it is torn and the plane
patch through its corners moves no pixel by more than a set error; neighbouring leaves differ by one level at most,
and a leaf with a finer neighbour is a fan that takes the neighbour's vertex in, so that no crack can open between the
two.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

LEVELS = 5  # coarsest leaf: 2 ** LEVELS pixels
MAX_ERROR_PX = 1.0  # at the far end of the budget: less than depth is ever known to
OPAQUE = 255.0
LAST_BEHIND = 0.003  # share of disparity


@dataclass(frozen=True)
class Mesh:
    """A sheet of triangles over the canvas of a layer."""

    xy: Float  # (V, 2) canvas position, px; the centre of the top left pixel is (0.5, 0.5)
    uv: Float  # (V, 2) where its colour is, px of the canvas: the last sheet of a tear goes on with its rim's colour
    disparity: Float  # (V,)
    fade: Float  # (V,) factor on alpha: 0 where a torn sheet runs out, OPAQUE where the texture's alpha must not count
    triangles: npt.NDArray[np.int32]  # (T, 3)
    soft: Bool  # (T,) triangles that are partly transparent


def build_mesh(disparity: Float, alpha: Float, right: Bool, down: Bool, drawn: Bool, budget_px: float) -> Mesh:
    """Mesh of the pixels `drawn` (H, W) of a layer with links `right` (H, W - 1) and `down` (H - 1, W).

    Vertices lie on pixel centres. `budget_px` turns disparity errors into pixels on screen. `alpha` (H, W) only tells
    which triangles are soft; the texture carries it.
    """
    drawn_quads = drawn[:-1, :-1] & drawn[:-1, 1:] & drawn[1:, :-1] & drawn[1:, 1:]
    links = right[:-1].astype(np.uint8) + right[1:] + down[:, :-1] + down[:, 1:]
    # A single torn link is the open end of a tear: the surface stretches there.
    torn = drawn_quads & (links < 3)
    whole = drawn_quads & ~torn
    leaves = _leaves(disparity, whole, budget_px)
    softness = cv2.integral((cv2.erode(alpha, np.ones((3, 3), np.uint8)) < 1).astype(np.uint8))
    triangles, soft = _leaf_triangles(leaves, softness)
    rows = np.argsort(triangles.min(1), kind="stable")  # neighbours in a row: drivers keep vertices for a while
    triangles, soft = triangles[rows], soft[rows]
    used, compact = np.unique(triangles, return_inverse=True)
    y, x = np.divmod(used, disparity.shape[1])
    xy = np.stack([x + 0.5, y + 0.5], 1).astype(np.float32)
    surface = Mesh(
        xy,
        xy,
        disparity[y, x],
        np.ones(len(used), np.float32),
        compact.reshape(-1, 3).astype(np.int32),
        soft,
    )
    return _join(surface, _torn_sheets(disparity, right, down, torn))


def _leaves(disparity: Float, whole: Bool, budget_px: float) -> list[tuple[Index, Index, Bool]]:
    """Per level: rows and columns (px) of the leaves' corners and (N, 4) whether top, bottom, left, right is finer.

    Leaves at the right and at the bottom may reach beyond the grid; they are to be cut off there.
    """
    top_size = 1 << LEVELS
    qh, qw = whole.shape
    bh, bw = -(-qh // top_size), -(-qw // top_size)
    beyond = ((0, bh * top_size - qh), (0, bw * top_size - qw))
    quads = np.pad(whole, beyond)
    q = np.pad(disparity, beyond, mode="edge")
    split = [np.zeros_like(quads)]
    solid, empty = np.pad(whole, beyond, constant_values=True), ~quads
    for level in range(1, LEVELS + 1):
        solid, empty = _all_of_four(solid), _all_of_four(empty)
        flat = _patch_error(q, 1 << level, disparity.shape) * budget_px <= MAX_ERROR_PX
        finer = split[-1]
        split.append(~empty & (~(solid & flat) | ~_all_of_four(~finer)))
    for level in range(1, LEVELS):  # neighbours of a split block must be at most one level coarser
        around = cv2.dilate(split[level].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        split[level + 1] |= ~_all_of_four(~around)
    leaves = []
    for level in range(LEVELS + 1):
        size = 1 << level
        exists = np.ones_like(split[level]) if level == LEVELS else _to_children(split[level + 1])
        leaf = exists & ~split[level]
        if level == 0:
            leaf &= quads
        else:
            leaf &= quads[::size, ::size]  # a leaf is all drawn or all empty, as far as it lies on the grid
        i, j = np.nonzero(leaf)
        finer = np.pad(split[level], 1)
        sides = np.stack([finer[i, j + 1], finer[i + 2, j + 1], finer[i + 1, j], finer[i + 1, j + 2]], 1)
        leaves.append((i * size, j * size, sides))
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


def _leaf_triangles(leaves: list[tuple[Index, Index, Bool]], softness: npt.NDArray[np.int32]) -> tuple[Index, Bool]:
    """(T, 3) indices into the pixel grid (H, W), and (T,) whether a triangle's leaf holds soft pixels.

    `softness` (H + 1, W + 1) is the integral image of the soft pixels.
    """
    parts, softs = [], []
    height, width = softness.shape[0] - 1, softness.shape[1] - 1
    for level, (y, x, sides) in enumerate(leaves):
        size, half = 1 << level, (1 << level) // 2
        plain: Bool = ~np.asarray(sides.any(1))
        y1, x1 = np.minimum(y + size + 1, height), np.minimum(x + size + 1, width)
        soft = softness[y1, x1] - softness[y, x1] - softness[y1, x] + softness[y, x] > 0

        def at(dy: int, dx: int, chosen: Bool, y: Index = y, x: Index = x) -> Index:
            return np.minimum(y[chosen] + dy, height - 1) * width + np.minimum(x[chosen] + dx, width - 1)

        a, b, c, d = (at(dy, dx, plain) for dy, dx in ((0, 0), (0, size), (size, 0), (size, size)))
        parts += [np.stack([a, b, c], 1), np.stack([b, d, c], 1)]
        softs += [soft[plain], soft[plain]]
        # Fans from the middle of the first side that has one: along each other side two corners and what lies between.
        for k, (_, hub, _) in enumerate(perimeter := _sides(size, half)):
            fans = sides[:, k] & ~sides[:, :k].any(1)
            for j, (p, m, r) in enumerate(perimeter):
                if j == k:
                    continue
                whole, halved = fans & ~sides[:, j], fans & sides[:, j]
                parts.append(np.stack([at(*hub, whole), at(*p, whole), at(*r, whole)], 1))
                parts.append(np.stack([at(*hub, halved), at(*p, halved), at(*m, halved)], 1))
                parts.append(np.stack([at(*hub, halved), at(*m, halved), at(*r, halved)], 1))
                softs += [soft[whole], soft[halved], soft[halved]]
    triangles, soft = np.concatenate(parts), np.concatenate(softs)
    a, b, c = triangles.T
    some = (a != b) & (b != c) & (c != a)  # nothing is left of some at the edge of the grid
    return triangles[some], soft[some]


def _sides(size: int, half: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Corner, middle, corner of the top, bottom, left and right side of a leaf, as (y, x)."""
    return (
        ((0, 0), (0, half), (0, size)),
        ((size, size), (size, half), (size, 0)),
        ((size, 0), (half, 0), (0, 0)),
        ((0, size), (half, size), (size, size)),
    )


def _torn_sheets(disparity: Float, right: Bool, down: Bool, torn: Bool) -> Mesh:
    """One sheet for every surface that ends in a torn quad.

    Each group of linked corners goes on over the whole quad at its own depth. It fades out towards corners of farther
    groups; the farthest group does not fade, so that the quad is covered even where no layer lies behind.
    """
    y, x = np.nonzero(torn)
    n = len(y)
    rows, columns = np.stack([y, y, y + 1, y + 1], 1), np.stack([x, x + 1, x, x + 1], 1)
    q = disparity[rows, columns]
    group = np.tile(np.arange(4), (n, 1))
    edges = ((0, 1, right[y, x]), (2, 3, right[y + 1, x]), (0, 2, down[y, x]), (1, 3, down[y, x + 1]))
    for _ in range(2):  # labels spread over at most three links
        for i, j, linked in edges:
            least = np.where(linked, np.minimum(group[:, i], group[:, j]), 0)
            group[:, i] = np.where(linked, least, group[:, i])
            group[:, j] = np.where(linked, least, group[:, j])
    means = np.stack([np.where(group == g, q, 0).sum(1) / np.maximum((group == g).sum(1), 1) for g in range(4)], 1)
    present = np.stack([(group == g).any(1) for g in range(4)], 1)
    farthest = np.where(present, means, np.inf).argmin(1)
    xy, uv, values, fades, softs = [], [], [], [], []
    for g in range(4):
        chosen = present[:, g]
        member = group[chosen] == g
        last = (farthest[chosen] == g)[:, None]
        at = np.stack([columns[chosen] + 0.5, rows[chosen] + 0.5], -1)
        xy.append(at.reshape(-1, 2))
        # The nearer surfaces' colours would stay on it as an outline when those move away.
        uv.append(np.where(last[..., None], _closest_member(at, member), at).reshape(-1, 2))
        sheet = np.where(member, q[chosen], means[chosen, g, None])
        # What covers the quad for want of better must not fight with the layer behind at the same depth.
        values.append(np.where(last, sheet * (1 - LAST_BEHIND), sheet).ravel())
        fades.append(np.where(last, OPAQUE, member).ravel())
        softs.append(np.repeat(~last[:, 0], 2))
    count = sum(len(v) for v in values) // 4
    quad = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    triangles = (quad[None] + 4 * np.arange(count, dtype=np.int32)[:, None, None]).reshape(-1, 3)
    return Mesh(
        np.concatenate(xy).astype(np.float32),
        np.concatenate(uv).astype(np.float32),
        np.concatenate(values).astype(np.float32),
        np.concatenate(fades).astype(np.float32),
        triangles,
        np.concatenate(softs),
    )


def _closest_member(at: Float, member: Bool) -> Float:
    """(N, 4, 2) for each corner of each quad the closest corner that is a member: `at` (N, 4, 2), `member` (N, 4)."""
    apart = ((at[:, :, None] - at[:, None]) ** 2).sum(-1) + np.where(member, 0, 9)[:, None]
    return np.take_along_axis(at, apart.argmin(-1)[..., None], 1)


def _join(a: Mesh, b: Mesh) -> Mesh:
    return Mesh(
        np.concatenate([a.xy, b.xy]),
        np.concatenate([a.uv, b.uv]),
        np.concatenate([a.disparity, b.disparity]),
        np.concatenate([a.fade, b.fade]),
        np.concatenate([a.triangles, b.triangles + np.int32(len(a.xy))]),
        np.concatenate([a.soft, b.soft]),
    )
