"""The subject in one piece: where depth steps within it, a slope takes the place of the tear."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint.filters import Bool, Float, far_and_span, nearest

REACH_PX, REACH_SHARE = 4, 1 / 128  # at least, and of the long side: how far a step is spread to each side
INNER_STEP = 0.35  # disparity; what differs by less may well be one body
LEAST, SURE = 0.3, 0.5  # probabilities of being subject from which on a pixel is moved at all, and entirely
BETWEEN, ON_TOP = 0.3, 0.85  # of the way from what lies behind to the nearer surface


def in_one_piece(disparity: Float, subject: Float) -> Float:
    """`disparity` (H, W) in 0..1 whose small steps within a subject are slopes; `subject` (H, W): its probability.

    An arm before a body is torn off it otherwise, and moves as a thing of its own; so does a light or dark spot at an
    outline, which was taken for neither side. Outlines against what lies behind stay as sharp as they are: each pixel
    only goes by those around it that lie on the nearer side, if there are two.
    """
    reach = max(REACH_PX, round(REACH_SHARE * max(disparity.shape)))
    subjects = subject > LEAST
    lifted = _without_ledges(disparity, subjects, reach)
    far, span = far_and_span(lifted, reach)
    body = (((lifted > far + 0.5 * span) | (span < INNER_STEP)) & subjects).astype(np.float32)
    total, weight = (cv2.GaussianBlur(x, (0, 0), 0.6 * reach) for x in (lifted * body, body))
    share = body * np.clip((subject - LEAST) / (SURE - LEAST), 0, 1)
    return np.asarray(lifted + share * (total / np.maximum(weight, 1e-4) - lifted), np.float32)


def _without_ledges(disparity: Float, subjects: Bool, reach: int) -> Float:
    """Narrow ledges between the nearer surface and what lies behind, raised to the former where they are `subjects`."""
    far, span = far_and_span(disparity, reach)
    edge = subjects & (span > INNER_STEP)
    top = edge & (disparity >= far + ON_TOP * span)
    if not top.any():
        return disparity
    close = cv2.distanceTransform((~top).astype(np.uint8), cv2.DIST_L2, 3) <= reach
    return nearest(disparity, top, edge & ~top & close & (disparity > far + BETWEEN * span))
