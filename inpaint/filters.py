"""Edge-aware and hole-filling filters on whole arrays."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def box_mean(x: Float, radius: int) -> Float:
    """Mean over a (2 radius + 1) square; (H, W) or (H, W, C)."""
    side = 2 * radius + 1
    return np.asarray(cv2.blur(x, (side, side), borderType=cv2.BORDER_REFLECT))


def mean_near(values: Float, weight: Float, radius: int) -> Float:
    """Weighted means of `values` (H, W[, C]) over the window around each pixel, 0 where all `weight` (H, W) is 0."""
    around = weight if values.ndim == 2 else weight[..., None]
    share = np.maximum(box_mean(weight, radius), 1e-4)
    total = box_mean(values * around, radius).reshape(values.shape)  # OpenCV drops a single channel
    return np.asarray(total / share.reshape(*around.shape), np.float32)


def dot(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> Float:
    """(H, W) sums over the channels, at most four, of the products of planes (H, W, C): ten times as fast as `sum`."""
    return np.asarray(cv2.transform(a * b, np.ones((1, a.shape[2]), np.float32)), np.float32)


def largest(planes: npt.NDArray[np.floating]) -> Float:
    """(...) the largest one of the channels (..., C): many times as fast as `max`."""
    return np.asarray(functools.reduce(np.maximum, np.moveaxis(planes, -1, 0)), np.float32)


def nonzero(mask: Bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns of the pixels of `mask` (H, W), many times as fast as by `np.nonzero`."""
    at = np.flatnonzero(mask)
    rows = at // mask.shape[1]
    return rows, at - rows * mask.shape[1]


def widened(values: npt.NDArray[Any], reach: int) -> npt.NDArray[Any]:
    """(H, W) largest value of the square window around each pixel."""
    return np.asarray(cv2.dilate(values, np.ones((2 * reach + 1,) * 2, np.uint8)))


def without_gaps(there: Bool, gap: int) -> Bool:
    """(N,) `there` (N,) with gaps up to so many places closed, but for those at its ends."""
    part = cv2.copyMakeBorder(there.astype(np.uint8)[None], 0, 0, gap, gap, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((1, gap | 1), np.uint8))[0, gap:-gap] > 0)


def steps(plane: Float) -> Float:
    """(H, W) the larger one of the steps from each pixel to the right and downward."""
    result = np.zeros_like(plane)
    result[:, :-1] = cv2.absdiff(plane[:, 1:], plane[:, :-1])
    np.maximum(result[:-1], cv2.absdiff(plane[1:], plane[:-1]), out=result[:-1])
    return result


def far_and_span(disparity: Float, reach: int) -> tuple[Float, Float]:
    """(H, W) least value of the square window around each pixel, and how far the largest one lies above it."""
    far = cv2.erode(disparity, np.ones((2 * reach + 1,) * 2, np.uint8))
    return np.asarray(far, np.float32), np.asarray(widened(disparity, reach) - far, np.float32)


def nearer_side(disparity: Float, reach: int, least: float) -> Bool:
    """(H, W) pixels nearer than the middle of what the window around them spans, where that is over `least`."""
    far, span = far_and_span(disparity, reach)
    return (span > least) & (disparity > far + 0.5 * span)


def guided_filter(guide: Float, source: Float, radius: int, eps: float, where: Bool | None = None) -> Float:
    """`source` (H, W) smoothed, its edges following those of `guide` (H, W, 3) in 0..1.

    Colour version of K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV 2010. `eps` is the variance below
    which the guide counts as flat. `where` (H, W): where the result is needed, if not everywhere.
    """
    near: slice | npt.NDArray[np.int64] = slice(None)
    if where is not None:
        near = np.flatnonzero(widened(where.view(np.uint8), radius))

    def mean(plane: Float) -> Float:
        return box_mean(plane, radius).ravel()[near]

    def mean_again(values: Float) -> Float:
        plane = np.zeros(source.shape, np.float32)
        plane.ravel()[near] = values
        return box_mean(plane, radius)

    r, g, b = cv2.split(guide)  # one plane after the other: far faster than three channels side by side
    mr, mg, mb, mp = map(mean, (r, g, b, source))
    cr, cg, cb = mean(r * source) - mr * mp, mean(g * source) - mg * mp, mean(b * source) - mb * mp
    rr, rg, rb = mean(r * r) - mr * mr + eps, mean(r * g) - mr * mg, mean(r * b) - mr * mb
    gg, gb, bb = mean(g * g) - mg * mg + eps, mean(g * b) - mg * mb, mean(b * b) - mb * mb + eps
    # Closed-form inverse of the symmetric 3x3 matrix: far faster than a batched solve.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * i_rr + rg * i_rg + rb * i_rb, 1e-12)
    ar = (i_rr * cr + i_rg * cg + i_rb * cb) / determinant
    ag = (i_rg * cr + i_gg * cg + i_gb * cb) / determinant
    ab = (i_rb * cr + i_gb * cg + i_bb * cb) / determinant
    offset = mp - (ar * mr + ag * mg + ab * mb)
    return mean_again(ar) * r + mean_again(ag) * g + mean_again(ab) * b + mean_again(offset)


def closest_pixel(known: Bool, to: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Flat indices (N,) of the pixels of `known` (H, W), of which there must be one, that are closest to the pixels
    `to`, flat indices (N,), too.
    """
    _, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(label.max()) + 1, np.int64)
    of_label[label[known]] = np.flatnonzero(known)
    return of_label[label.take(to)]


def nearest(values: Float, known: Bool, where: Bool | None = None) -> Float:
    """`values` (H, W) or (H, W, C) with the pixels `where` (H, W), if not all, replaced by the closest of `known`
    (H, W), of which there must be one.
    """
    to = np.flatnonzero(~known if where is None else where)
    result = values.copy()
    result.reshape(-1, *values.shape[2:])[to] = values.reshape(-1, *values.shape[2:])[closest_pixel(known, to)]
    return result


def push_pull(values: Float, known: Bool) -> Float:
    """Fill the unknown pixels of `values` (H, W) or (H, W, C) smoothly from the known ones, which stay as they are.

    Push-pull interpolation (Gortler et al., "The Lumigraph", 1996): averages of known pixels are pushed down a
    pyramid and pulled up where nothing finer is known. All pixels are filled if any is known, else zeros come back.
    """
    planes = np.ascontiguousarray(values, dtype=np.float32)
    planes = planes if planes.ndim == 3 else planes[..., None]
    return _push_pull(planes, known.astype(np.float32), known).reshape(values.shape)


def only(values: Float, where: Bool) -> Float:
    """`values` (H, W, C) at `where` (H, W), zeros elsewhere."""
    return put_over(np.zeros(values.shape, np.float32), values, where)


def put_over(below: Float, values: Float, where: Bool) -> Float:
    """`below` (H, W[, C]) with `values` put in at `where` (H, W), in place: several times as fast as `np.where`."""
    cv2.copyTo(values, where.view(np.uint8), below)
    return below


def add_at(values: Float, change: Float, where: Bool) -> Float:
    """`values` (H, W, C) with `change` (H, W, C) added at `where` (H, W), as a new array."""
    result = values.copy()
    cv2.add(result, change, result, where.view(np.uint8))
    return result


def cell_means(planes: Float, where: Bool, factor: int) -> tuple[Float, Float]:
    """Means (h, w, C) of squares of `factor` pixels over those `where`, 0 where there are none; their share (h, w)."""
    share = cell_shares(where, factor)
    total = _shrink(only(planes, where), factor)
    return _per_share(total, share), share


def cell_shares(where: Bool, factor: int) -> Float:
    """How much (h, w) in 0..1 of squares of `factor` pixels is `where` (H, W)."""
    return _shrink(where.astype(np.float32), factor)


def larger_cells(means: Float, share: Float, factor: int) -> tuple[Float, Float]:
    """What `cell_means` found, for squares of `factor` times as many pixels a side."""
    larger = _shrink(share, factor)
    return _per_share(_shrink(means * share[..., None], factor), larger), larger


def over_cells(means: Float, factor: int, shape: tuple[int, ...]) -> Float:
    """What `cell_means` shrank, (h, w) or (h, w, C), interpolated over the pixels of a picture of `shape` (H, W)."""
    large = cv2.resize(means, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    return np.asarray(large[: shape[0], : shape[1]], np.float32)


def _shrink(planes: Float, factor: int) -> Float:
    """Means over squares of `factor` pixels; what is missing in the last ones counts as 0."""
    h, w = planes.shape[:2]
    if h % factor or w % factor:
        planes = np.asarray(cv2.copyMakeBorder(planes, 0, -h % factor, 0, -w % factor, cv2.BORDER_CONSTANT), np.float32)
    return np.asarray(cv2.resize(planes, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA), np.float32)


def _per_share(total: Float, share: Float) -> Float:
    return np.asarray(total.reshape(*share.shape, -1) / np.maximum(share, 1e-3)[..., None], np.float32)


def _push_pull(values: Float, weight: Float, known: Bool | None = None) -> Float:
    """`known` is given where `weight` is 0 or 1 throughout, which is quicker."""
    h, w = weight.shape
    if min(h, w) <= 1 or (weight > 0).all():
        total = max(float(weight.sum()), 1e-6)
        mean = (values * weight[..., None]).sum((0, 1)) / total
        return np.where(weight[..., None] > 0, values, mean)
    half = ((w + 1) // 2, (h + 1) // 2)
    low_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    weighted = values * weight[..., None] if known is None else only(values, known)
    low = cv2.resize(weighted, half, interpolation=cv2.INTER_AREA).reshape(*low_weight.shape, -1)
    low /= np.maximum(low_weight, 1e-6)[..., None]
    filled = _push_pull(low, np.minimum(low_weight * 4, 1))
    up = cv2.resize(filled, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, -1)
    if known is not None:
        return put_over(up, values, known)
    up *= 1 - weight[..., None]
    up += weighted
    return np.asarray(up)
