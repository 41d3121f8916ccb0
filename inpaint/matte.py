"""Soft silhouettes: how much of each pixel near a depth edge belongs to the nearer surface."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inpaint.filters import Bool, Float, guided_filter
from inpaint.tears import Links, torn_pairs

REACH_PX = 4  # window in which the matte looks for the true edge
GROWTH_PX, GROWTH_SHARE = 2.3, 0.0025  # the nearer surface takes its colour fringe along: px, or of the long side
FEATHER_EPS = 2e-4


@dataclass(frozen=True)
class Matte:
    """The nearer surface grown over the pixels that it partly covers."""

    disparity: Float  # (H, W) the near side's value where it covers a pixel at all
    alpha: Float  # (H, W) in 0..1, 1 away from depth edges
    rim: Bool  # (H, W) pixels near the edge whose colour mixes both sides


def soft_edges(disparity: Float, links: Links, rgb: Float) -> Matte:
    """Matte of the torn edges of `disparity` (H, W) against the colours `rgb` (H, W, 3) in 0..1.

    Near-side membership, one bit per pixel around the tears, is smoothed along the photo's own edges by a guided filter
    (He et al., 2010); pixels just outside the depth edge that come out partly covered move with the nearer surface.
    """
    h, w = disparity.shape
    pairs = torn_pairs(links, disparity)
    alpha = np.ones((h, w), np.float32)
    rim = np.zeros((h, w), bool)
    if not len(pairs.near):
        return Matte(disparity, alpha, rim)
    flat = disparity.ravel()
    smallest = float(np.percentile(flat[pairs.near] - flat[pairs.far], 5))
    on_edge = np.zeros(h * w, np.uint8)
    on_edge[pairs.near] = on_edge[pairs.far] = 1
    kernel = np.ones((4 * REACH_PX + 3,) * 2, np.uint8)  # twice the reach: the guided filter looks that far
    band = cv2.dilate(on_edge.reshape(h, w), kernel[:-2, :-2]).astype(bool)
    near = cv2.dilate(disparity, kernel)
    far = cv2.erode(disparity, kernel)
    span = near - far
    is_near = np.where(band & (span > 0.5 * smallest), (disparity - far) > 0.5 * span, True).astype(np.float32)
    soft = guided_filter(rgb, is_near, radius=REACH_PX, eps=FEATHER_EPS)
    soft = np.clip(soft * 1.15 - 0.075, 0, 1)
    near_side, far_side = band & (is_near > 0.5), band & (is_near < 0.5)
    distance_out = cv2.distanceTransform((~near_side).astype(np.uint8), cv2.DIST_L2, 3)
    distance_in = cv2.distanceTransform((~far_side).astype(np.uint8), cv2.DIST_L2, 3)
    # The matte fades with distance, so that a like-coloured background is not dragged along.
    inward, outward = (
        np.maximum(soft, (distance_in - 0.5) / REACH_PX),
        soft * np.clip(1.4 - distance_out / REACH_PX, 0, 1),
    )
    soft = np.clip(np.where(near_side, inward, outward), 0, 1)
    covered = far_side & (distance_out <= min(GROWTH_PX, max(1.0, GROWTH_SHARE * max(h, w))))
    alpha = np.where(near_side | covered, soft, 1).astype(np.float32)
    grown = np.where(covered, np.maximum(_nearest_near_value(disparity, near_side), disparity), disparity)
    rim = cv2.dilate(on_edge.reshape(h, w) | covered.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return Matte(grown.astype(np.float32), alpha, rim & ~(near_side & (alpha > 0.99)))


def _nearest_near_value(disparity: Float, near_side: Bool) -> Float:
    """Each pixel's value from the closest pixel of `near_side`."""
    _, label = cv2.distanceTransformWithLabels(
        (~near_side).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(label.max()) + 1, np.float32)
    values[label[near_side]] = disparity[near_side]
    return values[label]
