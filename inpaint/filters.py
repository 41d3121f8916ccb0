"""Edge-aware and hole-filling filters on whole arrays."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def box_mean(x: Float, radius: int) -> Float:
    """Mean over a (2 radius + 1) square; (H, W) or (H, W, C)."""
    side = 2 * radius + 1
    return np.asarray(cv2.blur(x, (side, side), borderType=cv2.BORDER_REFLECT))


def guided_filter(guide: Float, source: Float, radius: int, eps: float) -> Float:
    """`source` (H, W) smoothed, its edges following those of `guide` (H, W, 3) in 0..1.

    Colour version of K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV 2010. `eps` is the variance below
    which the guide counts as flat.
    """
    mean_i, mean_p = box_mean(guide, radius), box_mean(source, radius)
    covariance = box_mean(guide * source[..., None], radius) - mean_i * mean_p[..., None]
    r, g, b = (guide[..., k] for k in range(3))
    products = box_mean(np.stack([r * r, r * g, r * b, g * g, g * b, b * b], -1).reshape(*source.shape, 6), radius)
    mr, mg, mb = (mean_i[..., k] for k in range(3))
    rr, rg, rb = products[..., 0] - mr * mr + eps, products[..., 1] - mr * mg, products[..., 2] - mr * mb
    gg, gb, bb = products[..., 3] - mg * mg + eps, products[..., 4] - mg * mb, products[..., 5] - mb * mb + eps
    # Closed-form inverse of the symmetric 3x3 matrix: far faster than a batched solve.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i_rr + rg * i_rg + rb * i_rb
    cr, cg, cb = (covariance[..., k] for k in range(3))
    a = (
        np.stack(
            [i_rr * cr + i_rg * cg + i_rb * cb, i_rg * cr + i_gg * cg + i_gb * cb, i_rb * cr + i_gb * cg + i_bb * cb],
            -1,
        )
        / np.maximum(determinant, 1e-12)[..., None]
    )
    offset = mean_p - (a * mean_i).sum(-1)
    return np.asarray((box_mean(a, radius) * guide).sum(-1) + box_mean(offset, radius))


def closest_pixel(known: Bool) -> npt.NDArray[np.int64]:
    """(H, W) for every pixel the flat index of the closest pixel of `known` (H, W), of which there must be one."""
    _, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(label.max()) + 1, np.int64)
    of_label[label[known]] = np.flatnonzero(known)
    return of_label[label]


def nearest(values: Float, known: Bool) -> Float:
    """`values` (H, W) or (H, W, C) with every pixel replaced by the closest of `known`, of which there must be one."""
    return values.reshape(-1, *values.shape[2:])[closest_pixel(known)]


def push_pull(values: Float, known: Bool) -> Float:
    """Fill the unknown pixels of `values` (H, W) or (H, W, C) smoothly from the known ones, which stay as they are.

    Push-pull interpolation (Gortler et al., "The Lumigraph", 1996): averages of known pixels are pushed down a
    pyramid and pulled up where nothing finer is known. All pixels are filled if any is known, else zeros come back.
    """
    planes = np.ascontiguousarray(values, dtype=np.float32)
    return _push_pull(planes if planes.ndim == 3 else planes[..., None], known.astype(np.float32)).reshape(values.shape)


def _push_pull(values: Float, weight: Float) -> Float:
    h, w = weight.shape
    if min(h, w) <= 1 or (weight > 0).all():
        total = max(float(weight.sum()), 1e-6)
        mean = (values * weight[..., None]).sum((0, 1)) / total
        return np.where(weight[..., None] > 0, values, mean)
    half = ((w + 1) // 2, (h + 1) // 2)
    low_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    low = cv2.resize(values * weight[..., None], half, interpolation=cv2.INTER_AREA)
    low = low.reshape(*low_weight.shape, -1) / np.maximum(low_weight, 1e-6)[..., None]
    filled = _push_pull(low, np.minimum(low_weight * 4, 1))
    up = cv2.resize(filled, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, -1)
    share = weight[..., None]
    return np.asarray(share * values + (1 - share) * up)
