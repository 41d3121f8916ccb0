"""Structures that go on: where what a hole borders on runs in a clear direction, it runs on straight inside of it.

Horizons, walls and hedges: a network that has to guess lets them fade within a few pixels. After coherence transport
(Bornemann and Maerz, "Fast Image Inpainting Based on Coherence Transport", 2007), with straight rays instead of a front
that advances: nothing blurs on the way, and both ends of what crosses a hole have a say.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Bool, Float, add_at, cell_means, cell_shares, dot, mean_near, over_cells, push_pull

Index = npt.NDArray[np.int64]

MOST_CELLS = 400_000  # larger pictures are worked on in cells of several pixels
SMOOTH = 1.2  # before slopes are taken; all lengths are in cells
WINDOW = 6.0  # over which slopes are averaged
AROUND = 8  # over which colours vary
LEAST_COHERENT, COHERENT = 0.25, 0.55  # (a - b) / (a + b) of the tensor's eigenvalues, from which a direction is clear
STRONG = 0.02  # slope that is worth going on; in full from twice that
PARALLEL = 0.9, 0.98  # cosines between the directions inside of a hole and at its rim
UNLIKE = 0.25  # squared difference along a structure, of the variance around, above which it does not run on straight
AWAY = 0.3, 0.6  # the shortest way to the context over that along the ray: structures that run beside a hole stay out
RIM = (1.0, 2.5, 4.0)  # beyond the rim colours are the mean of these: a single one would be a streak
NEAR_PX, FADE_PX = 8.0, 30.0  # this close to the rim and so far from it the network knows more, in px of its canvas
SOFT = 2.0  # no hard edges between what is carried on and what is not
ROW = 1024  # OpenCV wants places in a rectangle


@dataclass(frozen=True)
class _Rays:
    """Straight ways from N cells of the holes to the context."""

    x: Float  # (N,)
    y: Float
    u: Float  # (N,) unit direction
    v: Float
    length: Float  # (N,)
    arrived: Bool  # (N,)

    def at(self, distance: Float, shape: tuple[int, ...]) -> tuple[Index, Index]:
        """Row and column of the cells so far along the rays, or those of the border of a picture of that shape."""
        x, y = self.x + self.u * distance, self.y + self.v * distance
        return _clipped(y, shape[0]), _clipped(x, shape[1])


@dataclass(frozen=True)
class _Ground:
    """What the holes border on."""

    colour: Float  # (h, w, 3)
    known: Bool  # (h, w) cells that show nothing else, like their neighbours
    depth: Float  # (h, w) distance to those
    smooth: Float  # (h, w, 3) colour, continued beyond what is known
    tensor: Float  # (h, w, 3: xx, xy, yy) structure tensor, likewise
    variance: Float  # (h, w) of the colours around


def continue_structures(painted: Float, unknown: Bool, context: Bool, scale: float = 1.0) -> Float:
    """`painted` (H, W, 3) in 0..1 with what runs in a clear direction in `context` (H, W) carried on over its `unknown`
    pixels (H, W). Nothing else has a say. Deterministic. `scale`: of the canvas on which the network painted.
    """
    cell_px = max(round(1 / scale), int(np.ceil((unknown.size / MOST_CELLS) ** 0.5)))
    ground = _ground(painted, context & ~unknown, cell_px)
    hole = cell_shares(unknown, cell_px) > 0
    clear = _clear(ground.tensor[hole])
    y, x = (at[clear > 0] for at in np.nonzero(hole))
    if not len(x):
        return painted
    carried, sure = _carry(ground, x, y, clear[clear > 0], scale * cell_px)
    share = np.zeros(hole.shape, np.float32)
    share[y, x] = sure
    soft, around = (cv2.GaussianBlur(plane, (0, 0), SOFT) for plane in (share, hole.astype(np.float32)))
    soft = np.minimum(soft / np.maximum(around, 0.2), 1)
    change = np.zeros_like(ground.colour)
    guessed, _ = cell_means(painted, unknown, cell_px)
    change[y, x] = (soft[y, x] * (sure > 0))[:, None] * (carried - guessed[y, x])
    result = add_at(painted, over_cells(change, cell_px, unknown.shape), unknown)
    return np.clip(result, 0, 1, out=result)  # cells say nothing of what varies within them


def _carry(ground: _Ground, x: Index, y: Index, clear: Float, unit_px: float) -> tuple[Float, Float]:
    """The colours (N, 3) that are carried on to N cells from both sides, and how sure they are, (N,) in 0..1.

    `unit_px`: what a cell is on the network's canvas.
    """
    total, weights, most = np.zeros((len(x), 3), np.float32), np.zeros(len(x), np.float32), np.zeros(len(x), np.float32)
    u, v = _along(ground.tensor[y, x])
    for sign in (1, -1):
        rays = _cast(x.astype(np.float32), y.astype(np.float32), sign * u, sign * v, ground.depth)
        there = rays.at(rays.length + RIM[1], ground.depth.shape)
        along_u, along_v = _along(ground.tensor[there])
        parallel = np.abs(u * along_u + v * along_v, dtype=np.float32)
        straight_out = np.asarray(ground.depth[y, x] / np.maximum(rays.length, 1e-3), np.float32)
        length_px = rays.length * unit_px
        sure = (
            np.minimum(clear, _clear(ground.tensor[there]))
            * _rise(parallel, *PARALLEL)
            * _rise(straight_out, *AWAY)
            * _straightness(ground, rays, there)
            * np.exp(-length_px / FADE_PX)
            * np.minimum(length_px / NEAR_PX, 1)
            * (rays.arrived & ground.known[there])
        )
        weight = sure / (rays.length + 1)
        total += weight[:, None] * _colours(ground, rays)
        weights += weight
        most = np.maximum(most, sure)
    return np.asarray(total / np.maximum(weights, 1e-9)[:, None], np.float32), most


def _ground(painted: Float, known: Bool, cell_px: int) -> _Ground:
    """From the `known` pixels (H, W) of `painted` (H, W, 3)."""
    means, share = cell_means(painted, known, cell_px)
    whole = share > 0.99
    smooth = np.asarray(cv2.GaussianBlur(push_pull(means, whole), (0, 0), SMOOTH), np.float32)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=0.125) for dx in (1, 0))
    products = np.dstack([dot(a, b) for a, b in ((across, across), (across, down), (down, down))])
    inside = cv2.erode(whole.astype(np.uint8), np.ones((3, 3), np.uint8))
    mask = inside.astype(np.float32)
    weight = cv2.GaussianBlur(mask, (0, 0), WINDOW)
    tensor = cv2.GaussianBlur(products * mask[..., None], (0, 0), WINDOW) / np.maximum(weight, 1e-4)[..., None]
    mean, square = (mean_near(plane, share, AROUND) for plane in (means, dot(means, means)))
    return _Ground(
        means,
        inside > 0,
        np.asarray(cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5), np.float32),
        smooth,
        push_pull(np.asarray(tensor, np.float32), weight > 0.15),
        np.maximum(square - dot(mean, mean), 0) + np.float32(1e-4),
    )


def _clear(tensor: Float) -> Float:
    """(N,) in 0..1 how clear the directions of structure tensors (N, 3) are."""
    xx, xy, yy = tensor.T
    total = np.maximum(xx + yy, 1e-10)
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / total
    return _rise(coherence, LEAST_COHERENT, COHERENT) * _rise(np.sqrt(total), STRONG, 2 * STRONG)


def _along(tensor: Float) -> tuple[Float, Float]:
    """(N,) and (N,) x and y of the direction in which colours change least."""
    xx, xy, yy = tensor.T
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.float32(np.pi / 2)
    return np.cos(angle), np.sin(angle)


def _cast(x: Float, y: Float, u: Float, v: Float, depth: Float) -> _Rays:
    """Rays from cells (N,) to where `depth` (h, w), the distance to the context, ends."""
    h, w = depth.shape
    length, arrived = np.zeros_like(x), np.zeros(len(x), bool)
    limit = depth[y.astype(np.int64), x.astype(np.int64)] / AWAY[0]
    going = np.arange(len(x))
    while len(going):
        row, column = (np.round(a[going] + b[going] * length[going]).astype(np.int64) for a, b in ((y, v), (x, u)))
        on = (row >= 0) & (column >= 0) & (row < h) & (column < w) & (length[going] < limit[going])
        going, left = going[on], depth[row[on], column[on]]
        arrived[going[left < 0.5]] = True
        going, left = going[left >= 0.5], left[left >= 0.5]
        length[going] += np.maximum(0.95 * left, 0.7)  # so far there is no context in any direction
    return _Rays(x, y, u, v, length, arrived)


def _straightness(ground: _Ground, rays: _Rays, start: tuple[Index, Index]) -> Float:
    """(N,) in 0..1 whether a structure that a hole cuts off at `start` was straight for as long as it is to go on."""
    straight = np.ones(len(rays.x), np.float32)
    for part in (1.5, 2.0):
        place = rays.at(part * rays.length + RIM[1], ground.depth.shape)
        off = ground.smooth[place] - ground.smooth[start]
        unlike = np.einsum("nc,nc->n", off, off) / ground.variance[start]
        straight = np.minimum(straight, np.where(ground.known[place], np.clip(1.5 - unlike / UNLIKE, 0, 1), 1))
    return straight


def _colours(ground: _Ground, rays: _Rays) -> Float:
    """(N, 3) the colours at which the rays arrive, 0 where they do not."""
    total, count = np.zeros((len(rays.x), 3), np.float32), np.zeros((len(rays.x), 1), np.float32)
    for beyond in RIM:
        distance = rays.length + np.float32(beyond)
        known = ground.known[rays.at(distance, ground.depth.shape)][:, None]
        size = (-(-len(rays.x) // ROW), ROW)
        x, y = (np.resize(a + b * distance, size) for a, b in ((rays.x, rays.u), (rays.y, rays.v)))
        total += known * cv2.remap(ground.colour, x, y, cv2.INTER_LINEAR).reshape(-1, 3)[: len(known)]
        count += known
    return np.asarray(total / np.maximum(count, 1), np.float32)


def _clipped(places: Float, size: int) -> Index:
    return np.clip(np.round(places), 0, size - 1).astype(np.int64)


def _rise(values: Float, least: float, most: float) -> Float:
    return np.clip((values - least) / (most - least), 0, 1)
